/** What the admin endpoint of a group shows: the answers of all its processes. */
import type { MetricSample } from "../../core/text/exposition.ts";
import type { AdminView } from "../admin.ts";
import { fromPortable } from "./merged_metrics.ts";
import type { Member, Slot } from "./slot.ts";

/** How long a process may take to answer, in milliseconds. */
const answerMs = 5_000;

/** Reads from the places of a group. */
export class GroupView implements AdminView {
  readonly #slots: () => Iterable<Slot>;
  readonly #state: () => string | undefined;

  /** `state` says why nothing can be ready now. */
  constructor(slots: () => Iterable<Slot>, state: () => string | undefined) {
    this.#slots = slots;
    this.#state = state;
  }

  /** Ready as long as one process is: the others' connections go to it. */
  async notReady(): Promise<readonly string[]> {
    const state = this.#state();
    if (state !== undefined) return [state];
    const all = await Promise.all([...this.#slots()].map(async ({ number, current }) => {
      const reasons = current && await ask(current, "notReady") as readonly string[] | undefined;
      if (reasons?.length === 0) return undefined;
      const why = current === undefined ? "it does not run" : reasons?.join(", ") ?? "it does not answer";
      return `process ${number}: ${why}`;
    }));
    return all.includes(undefined) ? [] : all as readonly string[];
  }

  async samples(): Promise<readonly MetricSample[]> {
    const all = await Promise.all([...this.#slots()].map((slot) => samplesOf(slot)));
    return all.flat();
  }

  async pictures(): Promise<readonly object[]> {
    const all = await Promise.all([...this.#slots()].map(async ({ number, members }) => {
      const told = await Promise.all([...members].map((member) => ask(member, "pictures")));
      return told.flatMap((pictures) => pictures as readonly object[] ?? []).map((each) => ({
        process: number,
        ...each,
      }));
    }));
    return all.flat();
  }
}

async function samplesOf(slot: Slot): Promise<readonly MetricSample[]> {
  const { number, counters, members, restarts } = slot;
  const told = await Promise.all([...members].map(async (member) => {
    const samples = fromPortable(await ask(member, "samples"));
    // One that has ended meanwhile has said more at its end.
    if (members.has(member)) counters.told(member, samples);
    return samples !== undefined && member === slot.current;
  }));
  const labels = { process: `${number}` };
  const own: readonly MetricSample[] = [
    {
      name: "millrace_process_up",
      help: "1 while the process serves and answers, else 0.",
      type: "gauge",
      value: told.includes(true) ? 1 : 0,
      labels,
    },
    {
      name: "millrace_process_restarts_total",
      help: "Processes started because the one before had died.",
      type: "counter",
      value: restarts,
      labels,
    },
  ];
  const counted = counters.samples(slot.current);
  return [...own, ...counted.map((sample) => ({ ...sample, labels: { ...sample.labels, ...labels } }))];
}

function ask({ child, since }: Member, what: string): Promise<unknown> {
  return since === undefined ? Promise.resolve(undefined) : child.ask(what, answerMs);
}
