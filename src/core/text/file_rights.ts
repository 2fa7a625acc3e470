/**
 * Permissions and owners of a socket's file as people write them: the one grammar of the library's options, of the
 * configuration and of the command line. Inside there are only numbers.
 */
import { misread, read, type Reading } from "./reading.ts";

/** Permissions and owner of a Unix socket's file. What is left out is not changed. */
export interface FileRights {
  /** Permissions, 0 to 0o777. */
  readonly mode?: number | undefined;
  /** Number of the user that it belongs to. */
  readonly uid?: number | undefined;
  /** Number of the group that it belongs to. */
  readonly gid?: number | undefined;
}

const largestMode = 0o777;
/** The next number stands for no change. */
const largestId = 2 ** 32 - 2;

/** Reads permissions: a number such as `0o660`, or octal digits as text, `"0660"`, `"660"` or `"0o660"`. */
export function readFileMode(input: unknown): Reading<number> {
  const number = typeof input === "bigint" ? Number(input) : input;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= largestMode) {
    return read(number);
  }
  const [, digits] = typeof input === "string" ? /^(?:0o?)?([0-7]{3})$/.exec(input) ?? [] : [];
  if (digits !== undefined) return read(Number.parseInt(digits, 8));
  const [, meant] = /^0?([0-7]{3})$/.exec(typeof number === "number" ? String(number) : "") ?? [];
  return misread(
    'permissions in octal, such as 0o660 or "0660", at most 0o777',
    meant === undefined ? undefined : `${meant} is a decimal number: write 0o${meant} or "0${meant}"`,
  );
}

/** Reads an owner: `{ uid, gid }` with one of the two or both, or `UID:GID`, `UID`, `:GID` as text. */
export function readFileOwner(input: unknown): Reading<{ readonly uid?: number; readonly gid?: number }> {
  const wanted =
    'an owner: { uid, gid } with one of them or both, or text such as "1000:33", "1000" or ":33"';
  if (typeof input === "string") {
    const [, user = "", group = ""] = /^(\d{0,10})(?::(\d{1,10}))?$/.exec(input) ?? [];
    if (user !== "" || group !== "") {
      return readFileOwner({
        ...(user !== "" && { uid: Number(user) }),
        ...(group !== "" && { gid: Number(group) }),
      });
    }
    const named = /^[\w.-]*:?[\w.-]+$/.test(input);
    return misread(wanted, named ? "names are not looked up: the command id tells the numbers" : undefined);
  }
  if (typeof input !== "object" || input === null) return misread(wanted);
  const { uid, gid, ...rest } = input as { uid?: unknown; gid?: unknown };
  if (Object.keys(rest).length > 0 || (uid === undefined && gid === undefined)) return misread(wanted);
  if (!isId(uid) || !isId(gid)) return misread(wanted, `each is a whole number, 0 to ${largestId}`);
  return read({ ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) });
}

function isId(value: unknown): value is number | undefined {
  return value === undefined ||
    (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= largestId);
}
