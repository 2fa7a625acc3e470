/** What is used of a package that has no types. */
declare module "redis-parser" {
  export default class Parser {
    constructor(options: {
      returnReply(reply: unknown): void;
      returnError(error: Error): void;
      returnBuffers?: boolean;
    });
    execute(data: Uint8Array): void;
  }
}
