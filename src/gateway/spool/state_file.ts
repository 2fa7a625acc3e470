/**
 * How far a directory's frames are: which of them the bus has, and what was written for certain.
 *
 * Two places of one file are written in turn, so that one of them is whole whenever the process is killed.
 */
import { crc32 } from "../../core/checksum/checksums.ts";
import type { Disk, DiskFile } from "../../host/disk.ts";

/** What is remembered. */
export interface SpoolState {
  /** The bus has every frame with a smaller number. */
  readonly confirmed: number;
  /** Every frame with a smaller number was written. */
  readonly written: number;
  /** Where the last of those ends: the number of its segment, and the place in it. */
  readonly segment: number;
  readonly end: number;
}

const placeBytes = 64;
/** Generation, four doubles, CRC. */
const usedBytes = 8 + 4 * 8;

/** The file of one directory. */
export class StateFile {
  readonly #file: DiskFile;
  readonly #current: () => SpoolState;
  readonly #failed: (error: unknown) => void;
  readonly #bytes: Uint8Array = new Uint8Array(placeBytes);
  readonly #view: DataView = new DataView(this.#bytes.buffer);
  #generation: number;
  #dirty = false;
  #saving: Promise<void> | undefined = undefined;

  private constructor(
    file: DiskFile,
    generation: number,
    current: () => SpoolState,
    failed: (error: unknown) => void,
  ) {
    this.#file = file;
    this.#generation = generation;
    this.#current = current;
    this.#failed = failed;
  }

  /** Opens it, and says what it remembers; nothing where there is none, or neither place is whole. */
  static async open(
    disk: Disk,
    path: string,
    current: () => SpoolState,
    failed: (error: unknown) => void,
  ): Promise<{ readonly file: StateFile; readonly state: SpoolState | undefined }> {
    const handle = await disk.open(path, "r+").catch(async (error: { code?: string }) => {
      if (error.code !== "ENOENT") throw error;
      return await disk.open(path, "wx+");
    });
    const bytes = new Uint8Array(2 * placeBytes);
    await handle.read(bytes, 0);
    let [generation, state]: [number, SpoolState | undefined] = [0, undefined];
    for (const at of [0, placeBytes]) {
      const view = new DataView(bytes.buffer, at, placeBytes);
      if (view.getUint32(usedBytes) !== crc32(bytes, at, at + usedBytes)) continue;
      if (view.getFloat64(0) <= generation) continue;
      generation = view.getFloat64(0);
      state = {
        confirmed: view.getFloat64(8),
        written: view.getFloat64(16),
        segment: view.getFloat64(24),
        end: view.getFloat64(32),
      };
    }
    return { file: new StateFile(handle, generation, current, failed), state };
  }

  /** Writes what holds by then, soon; any number of calls are one write. */
  save(): void {
    this.#dirty = true;
    if (this.#saving === undefined) this.#take(this.#saveAll().catch(this.#failed));
  }

  /** Writes what holds now, and resolves when the device has it. Rejects where that fails. */
  sync(): Promise<void> {
    const synced = (this.#saving ?? Promise.resolve())
      .then(() => this.#write())
      .then(() => this.#file.sync());
    this.#take(synced.catch(() => {}));
    return synced;
  }

  /** Writes the last, and closes. */
  async close(): Promise<void> {
    this.save();
    while (this.#saving !== undefined) await this.#saving;
    await this.#file.close().catch(this.#failed);
  }

  /** One write at a time. */
  #take(saving: Promise<void>): void {
    const own = this.#saving = saving.then(() => {
      if (this.#saving !== own) return;
      this.#saving = undefined;
      if (this.#dirty) this.save();
    });
  }

  async #saveAll(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      await this.#write();
    }
  }

  async #write(): Promise<void> {
    const { confirmed, written, segment, end } = this.#current();
    this.#generation++;
    [this.#generation, confirmed, written, segment, end].forEach((value, index) =>
      this.#view.setFloat64(index * 8, value)
    );
    this.#view.setUint32(usedBytes, crc32(this.#bytes, 0, usedBytes));
    await this.#file.write(this.#bytes, (this.#generation % 2) * placeBytes);
  }
}
