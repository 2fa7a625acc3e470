/**
 * Which adapter this program's runtime needs: the only place that asks what it runs on.
 *
 * Called by `serve` and `connect` when they are given no adapter. Loads that adapter alone.
 */
import { OptionsError } from "../core/errors.ts";
import { onFirstUse } from "../core/loading.ts";
import type { Adapter } from "../core/transport.ts";

/** The globals that identify a runtime. */
export interface RuntimeMarks {
  /** Defined on Bun. */
  readonly Bun?: unknown;
  /** Defined on Deno. */
  readonly Deno?: unknown;
  /** Defined on Node.js, and on the other two. */
  readonly process?: { readonly versions?: { readonly node?: string } };
  /** Identifies workerd, which also looks like Node. */
  readonly navigator?: { readonly userAgent?: string };
}

/** That of this program: to import a module again is to look it up again, which every connection that is made would pay for. */
const own = onFirstUse(() => load(globalThis));

/**
 * Returns the adapter of this runtime, which `serve` and `connect` use unless the option `adapter` is set.
 *
 * @example What this runtime's sockets can do
 * ```ts
 * import { detectAdapter } from "@millrace/millrace/adapter";
 *
 * const { name, can } = await detectAdapter();
 * console.log(`${name}: reset ${can.reset}, unix ${can.unix}, tls ${can.tls}`);
 * ```
 *
 * @throws {OptionsError} `unsupported`, if there are no sockets, such as in a browser
 */
export function detectAdapter(marks: RuntimeMarks = globalThis): Promise<Adapter> {
  return marks === globalThis ? own() : load(marks);
}

async function load(marks: RuntimeMarks): Promise<Adapter> {
  // Bun and Deno also pass for Node, so they are asked first.
  if (marks.Bun !== undefined) return (await import("./bun/adapter.ts")).bunAdapter;
  if (marks.Deno !== undefined) return (await import("./deno/adapter.ts")).denoAdapter;
  if (marks.navigator?.userAgent === "Cloudflare-Workers" && marks.process?.versions?.node !== undefined) {
    return (await import("./workerd.ts")).workerdAdapter;
  }
  if (marks.process?.versions?.node !== undefined) return (await import("./node/adapter.ts")).nodeAdapter;
  throw new OptionsError("unsupported", [{
    path: "adapter",
    found: undefined,
    expected: "an adapter of your own, because this runtime is not Bun, Deno or Node.js",
  }]);
}
