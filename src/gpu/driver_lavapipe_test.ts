import assert from "node:assert/strict";
import { privateConfiguration } from "./driver_lavapipe.ts";

const SYSTEM = `APT::Architecture "amd64";
APT::Get::AllowUnauthenticated "true";
APT::Update::Post-Invoke-Success:: "touch /etc/changed";
DPkg::Pre-Install-Pkgs:: "/usr/sbin/dpkg-preconfigure --apt || true";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::AllowInsecureRepositories "true";
Dir::Etc::trusted "trusted.gpg";
Dir::Etc::parts "apt.conf.d";
Dir::State "var/lib/apt";
`;

Deno.test("the private apt reaches the archive as the system's does", () => {
  const lines = privateConfiguration(SYSTEM, "/cache/apt").split("\n");
  assert.ok(lines.includes('Acquire::http::Proxy "http://proxy.example:3128";'));
  assert.ok(lines.includes('Dir::Etc::trusted "trusted.gpg";'));
  assert.ok(lines.includes('APT::Architecture "amd64";'));
});

Deno.test("the private apt accepts nothing unsigned, runs no hook and writes to its own folders", () => {
  const text = privateConfiguration(SYSTEM, "/cache/apt");
  assert.doesNotMatch(text, /Allow\w+ "true"/);
  assert.match(text, /APT::Get::AllowUnauthenticated "false"/);
  assert.match(text, /Acquire::AllowInsecureRepositories "false"/);
  assert.doesNotMatch(text, /Post-Invoke|Pre-Install/);
  assert.match(text, /Dir::Etc::parts "\/dev\/null"/);
  assert.match(text, /Dir::State "\/cache\/apt\/state\/"/);
  assert.doesNotMatch(text, /"var\/lib\/apt"/);
});
