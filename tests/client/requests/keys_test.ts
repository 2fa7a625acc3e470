// Requests and replies that are matched by key, and interleavings of everything that can happen to a request.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { outcomes, pair } from "./support.ts";

const ofReply = (line: string): number | undefined =>
  line.startsWith("#") ? Number(line.slice(1).split(" ")[0]) : undefined;
const assigned = { ofReply, assign: (line: string, key: number): string => `#${key} ${line}` };

test("replies may come in any order when they have keys, which need not be counted by hand (F-39)", async (t) => {
  const { place, client, peer, asked } = await pair(t, { key: assigned });
  const given = ["a", "b", "c"].map((frame) => client.request(frame));
  await place.settle();
  assert.deepEqual(asked, ["#1 a", "#2 b", "#3 c"]);
  for (const reply of ["#3 C", "#1 A", "notice", "#2 B", "#9 who?"]) await peer.send(reply);
  assert.deepEqual(await outcomes(place, given), ["#1 A", "#2 B", "#3 C"]);
  assert.deepEqual([client.stats().replies, client.stats().unsolicited], [3, 2]);
});

test("keys of the user's own: one that is in use, or was abandoned, is refused (F-39)", async (t) => {
  const key = { ofReply, ofRequest: (line: string): number => Number(line.slice(1)) };
  const { place, client, peer } = await pair(t, { key });
  const first = client.request("#7", { timeout: 500 });
  assert.deepEqual(await outcomes(place, [client.request("#7")]), ["duplicate_key not_sent"]);
  await place.pass(1_000);
  assert.deepEqual(await outcomes(place, [first, client.request("#7")]), [
    "timeout sent",
    "duplicate_key not_sent",
  ]);
  await peer.send("#7 late");
  await place.settle();
  const again = client.request("#7");
  await peer.send("#7 in time");
  assert.deepEqual(await outcomes(place, [again]), ["#7 in time"]);
  assert.deepEqual([client.stats().late, client.stats().rejected], [1, 2]);
});

test("keys begin anew after the last, and leave out those that are in use (F-39)", async (t) => {
  const { place, client, peer, asked } = await pair(t, {
    window: 2,
    key: { ...assigned, first: 1, last: 3 },
  });
  void client.request("stays", { timeout: Infinity }).catch(() => {});
  for (let count = 0; count < 4; count++) {
    const given = client.request("x");
    await place.settle();
    await peer.send(asked.at(-1)!);
    await outcomes(place, [given]);
  }
  assert.deepEqual(asked, ["#1 stays", "#2 x", "#3 x", "#2 x", "#3 x"]);
});

/** What can happen, in any order. */
type Step =
  | { readonly kind: "ask"; readonly timeout: number; readonly aborts: boolean }
  | { readonly kind: "answer"; readonly which: number }
  | { readonly kind: "push" }
  | { readonly kind: "abort" }
  | { readonly kind: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("ask" as const),
      timeout: fc.constantFrom(300, 2_000, 60_000),
      aborts: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("answer" as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "push" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "abort" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(0, 100, 500, 2_500) }),
  },
);

for (const mode of ["in order", "by key"] as const) {
  test(`whatever happens between, nobody gets the reply of another, ${mode} (F-39)`, async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, window) => {
          const byKey = mode === "by key";
          const { place, client, peer, asked, connection } = await pair(t, {
            window,
            timeout: Infinity,
            maxWaiting: 3,
            ...(byKey ? { key: assigned } : { isUnsolicited: (line) => line === "push" }),
          });
          const told: { readonly name: string; outcome?: string }[] = [];
          let abort = new AbortController();
          let answered = 0;
          const open: string[] = [];
          const collect = (): void => void (open.push(...asked.splice(0)));
          for (const step of steps) {
            if (step.kind === "ask") {
              const entry: { name: string; outcome?: string } = { name: `r${told.length}` };
              told.push(entry);
              const { signal } = abort;
              client.request(
                entry.name,
                step.aborts ? { timeout: step.timeout, signal } : { timeout: step.timeout },
              )
                .then(
                  (reply) => entry.outcome = reply,
                  (error) => entry.outcome = `${error.reason}/${error.sent}`,
                );
            } else if (step.kind === "answer" && open.length > 0) {
              const [line] = open.splice(byKey ? step.which % open.length : 0, 1);
              answered++;
              await peer.send(`${line}!`);
            } else if (step.kind === "push") await peer.send("push");
            else if (step.kind === "abort") {
              abort.abort();
              abort = new AbortController();
            } else if (step.kind === "pass") await place.pass(step.ms);
            await place.settle();
            collect();
            assert.ok(open.length <= window, "more were sent than the window allows");
            assert.equal(client.stats().outstanding, open.length);
            assert.ok(client.stats().waiting <= 3);
          }
          const before = client.stats();
          connection.destroy();
          await place.settle();
          const after = client.stats();
          for (const { name, outcome } of told) {
            assert.ok(outcome !== undefined, `${name} has no outcome`);
            if (outcome.endsWith("!")) assert.equal(outcome.replace(/^#\d+ /, ""), `${name}!`);
          }
          const count = (...ends: string[]): number =>
            told.filter(({ outcome }) => ends.some((end) => outcome!.includes(end))).length;
          assert.equal(after.replies, count("!"));
          assert.equal(after.replies + after.late, answered);
          assert.equal(after.timedOut, count("timeout/"));
          assert.equal(after.aborted, count("aborted/"));
          assert.equal(after.disconnected, count("disconnected/"));
          assert.equal(after.rejected, count("window_full/"));
          assert.equal(after.unsolicited, steps.filter(({ kind }) => kind === "push").length);
          assert.equal(before.abandoned + after.late, count("timeout/sent", "aborted/sent"));
          assert.equal(after.requests, after.replies + count("/sent"));
        },
      ),
      { numRuns: 60 },
    );
  });
}
