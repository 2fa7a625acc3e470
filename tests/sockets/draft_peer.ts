// The peers of sockets of the draft: one that does what the first line says, one with TLS, one with STARTTLS.
import { createServer, type Server, type Socket } from "node:net";
import { lines, serve, type Server as FramedServer } from "../../mod.ts";
import type { TcpAddress } from "../../adapter.ts";
import { type Pair, testAuthority } from "../support/certificates.ts";

/** Something with `t.after`. */
export interface Tidy {
  after(cleanup: () => unknown): void;
}

/** The one that does what it is told. */
export class DraftPeer {
  readonly #server: Server;
  /** What has been received by each connection with a name, once that is over. */
  readonly #heard: Map<string, Promise<string>> = new Map();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(t: Tidy): Promise<DraftPeer> {
    const open = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
      socket.on("error", () => {});
      socket.once("data", (head) => peer.#obey(socket, head));
    });
    const peer = new DraftPeer(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      for (const socket of open) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    });
    return peer;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  #obey(socket: Socket, head: Uint8Array): void {
    const line = new TextDecoder().decode(head.subarray(0, head.indexOf(10)));
    const rest = head.subarray(head.indexOf(10) + 1);
    const [command, name = ""] = line.split(" ");
    if (name !== "" && command !== "seen") this.#note(name, socket, rest);
    switch (command) {
      case "echo":
        socket.write("echo\n");
        if (rest.length > 0) socket.write(rest);
        socket.on("data", (chunk) => void socket.write(chunk));
        socket.on("end", () => socket.end());
        break;
      case "fin":
        this.#heard.set("fin", Promise.resolve(""));
        socket.end("bye");
        socket.resume();
        break;
      case "count": {
        let size = rest.length;
        socket.on("data", (chunk) => void (size += chunk.length));
        socket.on("end", () => socket.end(String(size)));
        break;
      }
      case "send": {
        const piece = new Uint8Array(Number(name));
        socket.end(piece);
        break;
      }
      case "reset":
        // What still comes meets a socket that is gone, which the kernel answers with RST, on every runtime.
        socket.destroy();
        break;
      case "hold":
        socket.pause();
        break;
      case "seen":
        void (this.#heard.get(name) ?? Promise.resolve("")).then((heard) => socket.end(heard));
        socket.resume();
        break;
    }
  }

  /** What comes from it, once it has sent FIN or is gone. */
  #note(name: string, socket: Socket, head: Uint8Array): void {
    let heard = new TextDecoder().decode(head);
    this.#heard.set(
      name,
      new Promise((resolve) => {
        socket.on("data", (chunk) => void (heard += new TextDecoder().decode(chunk)));
        socket.on("end", () => resolve(heard));
        socket.on("close", () => resolve(heard));
      }),
    );
  }
}

/** Servers of ours with TLS: from the start, and behind the line STARTTLS. Both answer lines. */
export interface SecurePeers {
  readonly ca: string;
  readonly pair: Pair;
  readonly tls: FramedServer<string, string, undefined, TcpAddress>;
  readonly starttls: FramedServer<string, string, undefined, TcpAddress>;
  /** Names that clients have asked for. */
  readonly asked: (string | undefined)[];
}

export async function securePeers(t: Tidy): Promise<SecurePeers> {
  const ca = await testAuthority();
  const pair = await ca.sign({ names: ["localhost", "other.example"] });
  const asked: (string | undefined)[] = [];
  const framing = lines({ encoding: "utf-8" });
  const tls = await serve({
    port: 0,
    framing,
    tls: { ...pair, alpn: ["chat/2", "chat/1"] },
    onConnect: (connection) => void asked.push(connection.peer.tls?.serverName),
    onFrame: (line, connection) => connection.send(line),
  });
  const starttls = await serve({
    port: 0,
    framing,
    upgradable: true,
    onFrame: (line, connection) => {
      const sent = connection.send(line === "STARTTLS" ? "go" : line);
      // At once: the handshake may come as soon as the answer is there.
      if (line === "STARTTLS") void connection.upgrade({ ...pair }).catch(() => {});
      return sent;
    },
  });
  t.after(async () => {
    await Promise.all([tls.destroy(), starttls.destroy()]);
  });
  return { ca: ca.cert, pair, tls, starttls, asked };
}
