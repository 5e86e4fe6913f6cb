/** A real Valkey for one test, where there is one: VALKEY_SERVER, or one on the PATH. */
import { spawn, spawnSync } from "node:child_process";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export async function startValkey(t: TestContext): Promise<{ url: string; stop: () => void } | null> {
  const named = process.env["VALKEY_SERVER"];
  const candidates = named ? [named] : ["valkey-server", "redis-server"];
  const binary = candidates.find((each) => spawnSync(each, ["--version"]).status === 0);
  if (binary === undefined) {
    t.skip("no Valkey here: set VALKEY_SERVER to one");
    return null;
  }
  const port = await sparePort();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn(binary, options, { stdio: "ignore" });
  const stop = (): void => void server.kill("SIGKILL");
  t.after(stop);
  for (let i = 0; i < 200 && !(await answers(port)); i += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  return { url: `redis://127.0.0.1:${port}`, stop };
}

function sparePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
