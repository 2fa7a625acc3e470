/** The version that `millrace --version` prints: that of package.json, which a test compares. */
export const version: string = "0.1.0";
