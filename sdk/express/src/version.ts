/** As in package.json; the build fails when they differ. */
export const VERSION = "0.1.0";
