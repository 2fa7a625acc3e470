/** Values of DER that certificates are made of. Called where one is written; the library knows their bytes. */
import { type BaseBlock, ObjectIdentifier, Primitive, Sequence } from "asn1js";

/** Values in their order. */
export const sequence = (...value: BaseBlock[]): Sequence => new Sequence({ value });

/** Such as `"2.5.29.17"`. */
export const objectId = (value: string): ObjectIdentifier => new ObjectIdentifier({ value });

/** Bytes whose tag has its meaning only where they stand. */
export const implicit = (tagNumber: number, valueHex: Uint8Array): Primitive =>
  new Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex });
