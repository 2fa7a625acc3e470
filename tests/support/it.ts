/**
 * `it` of node:test, but what `t.after` was given also runs on Deno, whose own `it` forgets it inside of `describe`.
 *
 * For tests that tidy up after themselves. On every runtime the same happens: in the order given, once, and also
 * where the test has failed.
 */
import { it as runtimeIt, type TestContext, type TestOptions } from "node:test";

type Body = (t: TestContext) => void | Promise<void>;

export function it(name: string, body: Body): void;
export function it(name: string, options: TestOptions, body: Body): void;
export function it(name: string, given: TestOptions | Body, body?: Body): void {
  const [options, run] = typeof given === "function" ? [{}, given] : [given, body!];
  void runtimeIt(name, options, async (t) => {
    const hooks: (() => unknown)[] = [];
    const tidyUp = async (): Promise<void> => {
      for (let hook = hooks.shift(); hook !== undefined; hook = hooks.shift()) await hook();
    };
    // For a test that runs out of time, where the runtime does it.
    t.after(tidyUp);
    t.after = (hook = () => {}) => void hooks.push(() => (hook as () => unknown)());
    try {
      await run(t);
    } catch (error) {
      await tidyUp().catch(() => {});
      throw error;
    }
    await tidyUp();
  });
}
