/**
 * What a reader of streams asks of the server: entries from a place on, or those of a consumer group.
 *
 * Used by `stored_subscription.ts`. Knows no handlers.
 */
import type { NodeBuffer } from "../../../host/buffer.ts";
import type { Redis } from "ioredis";

/** An entry; one that was removed from its stream meanwhile has no fields. */
export interface Entry {
  readonly stream: string;
  readonly id: string;
  readonly fields: readonly NodeBuffer[] | undefined;
}

/** Removes consumers that nobody is any more: all they had is handled, and they have not asked for so long (ms). */
const removeScript = `
local removed = 0
for _, pairs in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local of = {}
  for at = 1, #pairs, 2 do of[pairs[at]] = pairs[at + 1] end
  if of.pending == 0 and of.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], of.name)
    removed = removed + 1
  end
end
return removed
`;

/** The place behind the last entry of a stream. */
export async function endOf(client: Redis, stream: string): Promise<string> {
  const [last] = await client.xrevrange(stream, "+", "-", "COUNT", 1);
  return last?.[0] ?? "0-0";
}

/** A group that begins behind this place; one that exists goes on where it was. */
export async function ensureGroup(
  client: Redis,
  stream: string,
  group: string,
  after: string,
): Promise<void> {
  await client.xgroup("CREATE", stream, group, after, "MKSTREAM").catch((error: Error) => {
    if (!error.message.startsWith("BUSYGROUP")) throw error;
  });
}

/** What comes next, in each of these streams; none after `blockMs`. */
export async function readNext(
  client: Redis,
  group: { readonly name: string; readonly consumer: string } | undefined,
  places: ReadonlyMap<string, string>,
  count: number,
  blockMs: number,
): Promise<readonly Entry[]> {
  const command = group === undefined ? "XREAD" : "XREADGROUP";
  const who = group === undefined ? [] : ["GROUP", group.name, group.consumer];
  const streams = [...places.keys()];
  const from = group === undefined ? [...places.values()] : streams.map(() => ">");
  const settings = ["COUNT", String(count), "BLOCK", String(blockMs), "STREAMS"];
  return entriesOf(await client.callBuffer(command, ...who, ...settings, ...streams, ...from));
}

/** What a consumer was given and has not acknowledged, from a place on. */
export async function readOwn(
  client: Redis,
  stream: string,
  group: string,
  consumer: string,
  after: string,
  count: number,
): Promise<readonly Entry[]> {
  const where = ["COUNT", String(count), "STREAMS", stream, after];
  return entriesOf(await client.callBuffer("XREADGROUP", "GROUP", group, consumer, ...where));
}

/** Takes over what others were given and have not dealt with for so long. */
export async function claimIdle(
  client: Redis,
  stream: string,
  group: string,
  consumer: string,
  idleMs: number,
  count: number,
): Promise<readonly Entry[]> {
  const where = [String(idleMs), "0-0", "COUNT", String(count)];
  const answer = await client.callBuffer("XAUTOCLAIM", stream, group, consumer, ...where);
  return entriesOf([[stream, (answer as readonly unknown[])[1]]]);
}

/** Says that these are still being dealt with. */
export async function keep(
  client: Redis,
  stream: string,
  group: string,
  consumer: string,
  ids: readonly string[],
): Promise<void> {
  await client.callBuffer("XCLAIM", stream, group, consumer, "0", ...ids, "JUSTID");
}

export async function removeDead(
  client: Redis,
  stream: string,
  group: string,
  idleMs: number,
): Promise<void> {
  await client.eval(removeScript, 1, stream, group, String(idleMs));
}

function entriesOf(answer: unknown): readonly Entry[] {
  const streams = (answer ?? []) as readonly [
    NodeBuffer | string,
    readonly (readonly [NodeBuffer, NodeBuffer[] | null] | null)[],
  ][];
  return streams.flatMap(([name, entries]) =>
    entries.filter((entry) => entry !== null).map(([id, fields]) => ({
      stream: String(name),
      id: String(id),
      fields: fields ?? undefined,
    }))
  );
}
