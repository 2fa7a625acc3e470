/**
 * What a message to a worker and back costs, cloned and transferred, by its size: where the thresholds of
 * `src/workers/thread_message.ts` come from. Run it by itself on a runtime: `deno run -A bench/transfer.ts`.
 */
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const sizes = [64, 1_024, 4_096, 16_384, 65_536, 262_144];
const inFlight = 8;

function run(worker: Worker, size: number, transferred: boolean, count: number): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve) => {
    let [sent, got] = [0, 0];
    const send = (): void => {
      sent++;
      const bytes = new Uint8Array(size);
      worker.postMessage({ bytes, transferred }, transferred ? [bytes.buffer] : []);
    };
    const heard = (): void => {
      if (sent < count) send();
      if (++got < count) return;
      worker.off("message", heard);
      resolve((performance.now() - begun) * 1000 / count);
    };
    worker.on("message", heard);
    for (let first = 0; first < inFlight; first++) send();
  });
}

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  for (const size of sizes) {
    const times: string[] = [];
    for (const transferred of [false, true]) {
      await run(worker, size, transferred, 500);
      times.push((await run(worker, size, transferred, 4_000)).toFixed(1));
    }
    console.log(`${size} bytes: cloned ${times[0]} µs, transferred ${times[1]} µs`);
  }
  await worker.terminate();
} else {
  parentPort!.on(
    "message",
    ({ bytes, transferred }: { bytes: Uint8Array<ArrayBuffer>; transferred: boolean }) => {
      parentPort!.postMessage({ bytes }, transferred ? [bytes.buffer] : []);
    },
  );
}
