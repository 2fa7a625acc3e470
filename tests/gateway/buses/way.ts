/** A way to a server that can lose what the server says, and be cut while the server lives. */
import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { Cleaner } from "../../support/program.ts";

/** One. */
export class Way {
  mute = false;
  readonly #sockets: Set<Socket> = new Set();
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = createConnection(port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {}).on("close", () => {
          near.destroy();
          far.destroy();
          this.#sockets.delete(socket);
        });
      }
      near.on("data", (chunk) => far.write(chunk));
      far.on("data", (chunk) => this.mute || near.write(chunk));
      if (this.mute) near.destroy();
    });
  }

  static async to(t: Cleaner, port: number): Promise<Way> {
    const way = new Way(port);
    await new Promise<void>((resolve) => way.#server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      way.#server.close();
      way.cut();
    });
    return way;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
