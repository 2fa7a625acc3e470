/**
 * Files that other programs replace, one after the other: a certificate and its key, or client CAs.
 *
 * The file system's own news is quick but not to be relied on, so the files are also looked at from time to time;
 * what was just written is read once more, since it may be half of it. Made by `CertificateSet`.
 */
import type { Clock } from "../core/time/clock.ts";
import { TlsError } from "../core/tls/tls_error.ts";
import { Alarm, type CertificateFeed, type FeedListener } from "./certificate_feed.ts";
import type { CertificateHost } from "./certificate_host.ts";

/** From the first news of a change to the look at it: the rest of a replacement mostly comes meanwhile. */
const gatherMs = 100;
/** From a look that found a change to the one that decides. */
const settleMs = 1_000;

/** A folder that is watched. */
interface Folder {
  readonly path: string;
  identity: string;
  /** Undefined while it cannot be watched. */
  stop: (() => void) | undefined;
}

/** Which files, and what their texts are together. */
export interface WatchedFiles<Given> {
  readonly paths: readonly string[];
  given(texts: readonly string[]): Given;
}

/** Some files. */
export class FileFeed<Given> implements CertificateFeed<Given> {
  readonly #files: WatchedFiles<Given>;
  readonly #host: CertificateHost;
  readonly #pollInterval: number;
  readonly #failed: (folder: string, error: unknown) => void;
  readonly #folders: Folder[];
  readonly #gather: Alarm;
  readonly #settle: Alarm;
  readonly #poll: Alarm;
  #listener: FeedListener | undefined = undefined;
  /** What the files looked like before they were read last. */
  #stamps = "";
  #over = false;

  /** `failed` hears of folders that cannot be watched, once each time. */
  constructor(
    files: WatchedFiles<Given>,
    host: CertificateHost,
    clock: Clock,
    pollInterval: number,
    failed: (folder: string, error: unknown) => void,
  ) {
    this.#files = files;
    this.#host = host;
    this.#pollInterval = pollInterval;
    this.#failed = failed;
    this.#folders = [...new Set(files.paths.map(host.folderOf))].map((path) => (
      { path, identity: "", stop: undefined }
    ));
    this.#gather = new Alarm(clock, () => void this.#look(false));
    this.#settle = new Alarm(clock, () => void this.#look(true));
    this.#poll = new Alarm(clock, () => void this.#turn());
  }

  async read(): Promise<Given> {
    this.#stamps = await this.#currentStamps();
    const { paths } = this.#files;
    return this.#files.given(await Promise.all(paths.map((path) => this.#readFile(path))));
  }

  watch(listener: FeedListener): void {
    this.#listener = listener;
    for (const folder of this.#folders) void this.#watchFolder(folder);
    // What was written before the watching had begun is found here.
    this.#settle.set(settleMs);
    this.#poll.set(this.#pollInterval);
  }

  stop(): void {
    this.#over = true;
    for (const alarm of [this.#gather, this.#settle, this.#poll]) alarm.unset();
    for (const folder of this.#folders) folder.stop?.();
  }

  async #readFile(path: string): Promise<string> {
    try {
      return await this.#host.readSmallFile(path);
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new TlsError(
        "material",
        `use ${path}: found no readable file (${text}); check the path and its permissions`,
        { cause },
      );
    }
  }

  async #currentStamps(): Promise<string> {
    return (await Promise.all(this.#files.paths.map(this.#host.fileStamp))).join(" ");
  }

  /** Reads again if the files look changed, or in any case. */
  async #look(anyway: boolean): Promise<void> {
    const changed = await this.#currentStamps() !== this.#stamps;
    if (this.#over || this.#listener === undefined || (!changed && !anyway)) return;
    const { status } = await this.#listener.refresh(true);
    if (this.#over || this.#settle.isSet) return;
    if (status === "doubtful" || (changed && status !== "refused")) this.#settle.set(settleMs);
  }

  async #turn(): Promise<void> {
    for (const folder of this.#folders) await this.#watchFolder(folder);
    if (this.#over) return;
    await this.#look(this.#listener?.isRefused() === true);
    if (!this.#over) this.#poll.set(this.#pollInterval);
  }

  /** Watches the folder unless it already is: a folder of that name may be another one by now. */
  async #watchFolder(folder: Folder): Promise<void> {
    const identity = await this.#host.folderIdentity(folder.path);
    if (this.#over || (identity === folder.identity && folder.stop !== undefined)) return;
    const isNews = identity !== folder.identity;
    folder.stop?.();
    folder.identity = identity;
    const failed = (error: unknown): void => {
      folder.stop = undefined;
      if (isNews) this.#failed(folder.path, error);
    };
    let hasFailed = false;
    const stop = this.#host.watchFolder(folder.path, () => this.#news(), (error) => {
      hasFailed = true;
      failed(error);
    });
    if (!hasFailed) folder.stop = stop;
  }

  #news(): void {
    if (!this.#over && !this.#gather.isSet) this.#gather.set(gatherMs);
  }
}
