/** Which of the workers that run a new connection belongs to. */

/** What is known of one of them. */
export interface Candidate {
  readonly index: number;
  readonly connections: number;
}

/** Chooses one; the list is never empty. */
export type Balance<One extends Candidate> = (running: readonly One[], ip: string) => One;

/** Each in turn, by their numbers. */
function inTurn<One extends Candidate>(): Balance<One> {
  let last = -1;
  return (running) => {
    const next = running.find(({ index }) => index > last) ?? running[0]!;
    last = next.index;
    return next;
  };
}

/** Those with the fewest connections, among them each in turn. */
function fewest<One extends Candidate>(): Balance<One> {
  const turn = inTurn<One>();
  return (running, ip) => {
    const least = Math.min(...running.map(({ connections }) => connections));
    return turn(running.filter(({ connections }) => connections === least), ip);
  };
}

/** FNV-1a with the last step of MurmurHash3, since the weights of neighbours must differ in all bits. */
function weight(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The one with the greatest weight for this address: without it, its addresses go to all others, and theirs stay. */
function byAddress<One extends Candidate>(): Balance<One> {
  const turn = inTurn<One>();
  return (running, ip) => {
    if (ip === "") return turn(running, ip);
    const weights = running.map(({ index }) => weight(`${index} ${ip}`));
    return running[weights.indexOf(Math.max(...weights))]!;
  };
}

/** The choice by the name of the option. */
export function balanceBy<One extends Candidate>(
  name: "least-connections" | "round-robin" | "peer-hash",
): Balance<One> {
  if (name === "round-robin") return inTurn();
  return name === "peer-hash" ? byAddress() : fewest();
}
