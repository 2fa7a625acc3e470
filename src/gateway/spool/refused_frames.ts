/**
 * Frames that the bus will never take: kept in a file beside the segment that they were in, in the same format.
 *
 * Used by `forwarder.ts`. The file counts as part of the spool, so that no peer can fill a disk with them.
 */
import { Batch } from "./record.ts";
import type { FrameContext, Outgoing } from "./outgoing.ts";
import type { Place } from "./place.ts";
import type { Segment } from "./segments.ts";

const encoder = new TextEncoder();

/** Resolves with the file's name when the device has the frame. */
export async function keepRefused(
  place: Place,
  segment: Segment,
  number: number,
  frame: Outgoing,
): Promise<string> {
  const { disk, segments } = place;
  const path = `${segment.path}.refused`;
  const file = await disk.open(path, "r+").catch(async (error: { code?: string }) => {
    if (error.code !== "ENOENT") throw error;
    return await disk.open(path, "wx+");
  });
  try {
    const size = await file.size();
    const batch = new Batch();
    const { marker, first } = segment;
    if (size === 0) batch.header(segment, frame.received ?? 0);
    // A context of its own for each: there are few of them.
    batch.context(marker, number - first, number - first, contextJson(frame));
    const { seq = NaN, received = NaN, payload } = frame;
    batch.frame(marker, number - first, number - first, { seq, received, payload });
    await file.write(batch.bytes, size);
    await file.sync();
    segments.bytes += batch.length;
  } finally {
    await file.close();
  }
  await disk.syncFolder(place.folder);
  return path;
}

/** What a context says of these frames. */
export function contextJson({ subject, reply, metadata, encoding }: FrameContext): Uint8Array {
  return encoder.encode(JSON.stringify({ subject, reply, metadata, encoding }));
}
