/**
 * Token buckets for accepting: a connection takes a whole token or is rejected, nothing is owed.
 *
 * Used by `admission.ts` for all peers together and by `address_table.ts` for each address. Sets no timer.
 */

/** A checked rate. */
export interface AcceptPace {
  readonly perMs: number;
  readonly burst: number;
}

/** What was left of one when that was counted. */
export interface Bucket {
  tokens: number;
  at: number;
}

/** A part of a token that stems from adding up fractions. */
const rounding = 1e-6;

/** What is in it now: at most a burst, also where that has become less. */
function tokensIn({ tokens, at }: Bucket, { perMs, burst }: AcceptPace, now: number): number {
  return Math.min(burst, tokens + Math.max(0, now - at) * perMs);
}

/** Whether it has a whole token. */
export function hasToken(bucket: Bucket, pace: AcceptPace, now: number): boolean {
  return tokensIn(bucket, pace, now) >= 1 - rounding;
}

/** Takes so many out of it; none to count anew what is in it. */
export function takeTokens(bucket: Bucket, pace: AcceptPace, now: number, count: 0 | 1): void {
  bucket.tokens = tokensIn(bucket, pace, now) - count;
  bucket.at = now;
}

/** How long an empty one takes to be full, in ms. */
export function fullAfter({ perMs, burst }: AcceptPace): number {
  return burst / perMs;
}
