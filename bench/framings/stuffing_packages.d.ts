/** What is used of packages that have no types. */
declare module "slip" {
  export class Decoder {
    constructor(options: { onMessage(frame: Uint8Array): void });
    decode(chunk: Uint8Array): void;
  }
  const slip: { readonly Decoder: typeof Decoder };
  export default slip;
}

declare module "cobs" {
  const cobs: { decode(bytes: Uint8Array): Uint8Array };
  export default cobs;
}
