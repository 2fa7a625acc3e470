/** Programs beside a gateway on the same server, in that server's own words: what they see of frames, and what they send. */
import { connect, headers as natsHeaders } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { NatsServer, withoutNats } from "../support/nats_server.ts";
import type { Cleaner } from "../support/program.ts";
import { RedisServer, withoutRedis } from "../support/redis_server.ts";

/** What has come. */
export interface PeerMessage {
  readonly text: string;
  header(name: string): string | undefined;
  /** Answers it in the way of its server. */
  respond(text: string): void;
}

/** One program and its server. */
export interface Peer {
  /** For `bus` of a gateway. */
  readonly config: object;
  /** Calls with each frame of the endpoint from now on; resolves when it is sure to hear them. */
  frames(subject: string, take: (message: PeerMessage) => void): Promise<void>;
  /** The next message that is not stored. */
  next(subject: string): Promise<{ readonly message: Promise<PeerMessage> }>;
  publish(subject: string, text: string, headers?: Readonly<Record<string, string>>): void;
  request(subject: string, text: string): Promise<string>;
}

/** How to get one. */
export interface PeerKind {
  readonly name: string;
  readonly skip: string | false;
  /** A frame's subject below that of its endpoint. */
  readonly ingress: (connection: string) => string;
  start(t: Cleaner): Promise<Peer>;
}

async function natsPeer(t: Cleaner, type: "nats" | "jetstream"): Promise<Peer> {
  const server = await NatsServer.start(t);
  const nats = await connect({ servers: server.url });
  t.after(() => nats.close());
  const listen = async (
    subject: string,
    max: number,
    take: (message: PeerMessage) => void,
  ): Promise<void> => {
    nats.subscribe(subject, {
      ...(max > 0 && { max }),
      callback: (_, message) =>
        take({
          text: message.string(),
          header: (name) => message.headers?.get(name),
          respond(text) {
            // That of a stored message is for its stream.
            const reply = message.headers?.get("reply");
            if (reply !== undefined && reply !== "") nats.publish(reply, text);
            else message.respond(text);
          },
        }),
    });
    await nats.flush();
  };
  return {
    config: { type, servers: server.url, reconnectWait: 50 },
    frames: (subject, take) => listen(subject, 0, take),
    async next(subject) {
      let found!: (message: PeerMessage) => void;
      const message = new Promise<PeerMessage>((resolve) => found = resolve);
      await listen(subject, 1, found);
      return { message };
    },
    publish(subject, text, headers = {}) {
      const all = natsHeaders();
      for (const [name, value] of Object.entries(headers)) all.set(name, value);
      nats.publish(subject, text, { headers: all });
    },
    request: async (subject, text) => (await nats.request(subject, text, { timeout: 10_000 })).string(),
  };
}

async function redisPeer(t: Cleaner): Promise<Peer> {
  const server = await RedisServer.start(t);
  const [client, reader, subscriber] = [1, 2, 3].map(() => new Redis(server.url)) as [Redis, Redis, Redis];
  t.after(() => {
    for (const one of [client, reader, subscriber]) one.on("error", () => {}).disconnect();
  });
  const waiting = new Map<string, (message: PeerMessage) => void>();
  const messageOf = (text: string, headers: ReadonlyMap<string, string>): PeerMessage => ({
    text,
    header: (name) => headers.get(name),
    respond: (answer) => void client.publish(headers.get("reply")!, answer),
  });
  subscriber.on("message", (channel, text) => {
    const take = waiting.get(channel);
    const [head = "", ...rest] = text.startsWith("MILLRACE/1\r\n") ? text.split("\r\n\r\n") : ["", text];
    const fields = head.split("\r\n").slice(1).map((line) => line.split(": ") as [string, string]);
    take?.(messageOf(rest.join("\r\n\r\n"), new Map(fields)));
  });
  const next = async (subject: string): Promise<{ readonly message: Promise<PeerMessage> }> => {
    const message = new Promise<PeerMessage>((resolve) => waiting.set(subject, resolve));
    await subscriber.subscribe(subject);
    return { message };
  };
  const headed = (text: string, headers: Readonly<Record<string, string>>): string =>
    `MILLRACE/1\r\n${
      Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("")
    }\r\n${text}`;
  const read = async (stream: string, take: (message: PeerMessage) => void): Promise<void> => {
    for (let place = "0";;) {
      const found = await reader.xread("BLOCK", 0, "STREAMS", stream, place);
      for (const [id, fields] of found![0]![1]) {
        place = id;
        const pairs = fields.flatMap((name, at) => at % 2 === 0 ? [[name, fields[at + 1]!] as const] : []);
        const all = new Map(pairs);
        take(messageOf(all.get("payload")!, all));
      }
    }
  };
  let requests = 0;
  return {
    config: { type: "redis", url: server.url, reconnectWait: 50 },
    frames(subject, take) {
      read(subject, take).catch(() => {});
      return Promise.resolve();
    },
    next,
    // What has no headers needs no head.
    publish: (subject, text, headers) =>
      void client.publish(subject, headers === undefined ? text : headed(text, headers)),
    async request(subject, text) {
      const reply = `answers.${++requests}`;
      const answer = await next(reply);
      await client.publish(subject, headed(text, { reply }));
      return (await answer.message).text;
    },
  };
}

/** Each network bus. */
export const peerKinds: readonly PeerKind[] = [
  { name: "NATS", skip: withoutNats, ingress: () => "in", start: (t) => natsPeer(t, "nats") },
  {
    name: "JetStream",
    skip: withoutNats,
    ingress: (id) => `in.${id}`,
    start: (t) => natsPeer(t, "jetstream"),
  },
  { name: "Redis", skip: withoutRedis, ingress: () => "in", start: redisPeer },
];
