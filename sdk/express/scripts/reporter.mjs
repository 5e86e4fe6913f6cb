// Says what failed, and how many did not.
export default async function* report(events) {
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of events) {
    const isSuite = data?.details?.type === "suite";
    if (type === "test:pass" && !isSuite) passed += 1;
    if (type === "test:pass" && data.skip) yield `skipped: ${data.name} (${data.skip})\n`;
    if (type === "test:stderr" || type === "test:stdout") yield data.message;
    if (type !== "test:fail" || isSuite) continue;
    failed += 1;
    const { error } = data.details;
    yield `\n✗ ${data.name}\n  ${data.file}:${data.line}\n${error?.cause?.stack ?? error?.stack ?? error}\n`;
  }
  yield `${passed} passed, ${failed} failed\n`;
}
