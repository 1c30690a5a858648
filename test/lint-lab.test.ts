import { describe, expect, it } from 'vitest';
import type { Scenario } from '../lab/scenario.ts';
import { allScenarios } from '../lab/scenarios.ts';
import { rules } from '../src/core/lint/rules/index.ts';
import { lintText } from './lint-rule.ts';
import { playOnPaper } from './paper-host.ts';

/** Errors and warnings that a scenario's configuration deserves beside what the scenario is about, each with the reason. */
const deserved: Readonly<Record<string, { readonly rules: readonly string[]; readonly because: string }>> = {
  'bad-input-peers': { rules: ['protocol-mismatch', 'tls-to-plaintext'], because: 'every address is passed to in all protocols' },
  'bad-input-peers-unasked': { rules: ['protocol-mismatch', 'tls-to-plaintext'], because: 'every address is passed to in all protocols' },
  'bad-input-include-loop': { rules: ['nginx-config-invalid'], because: 'the loop is what nginx refuses' },
  'bad-input-broken-config': { rules: ['nginx-config-invalid', 'upstream-address-invalid'], because: 'it is spoilt on purpose' },
  'field-supervisor-loop-that-goes-on': { rules: ['socket-in-private-tmp'], because: 'the socket is in /tmp' },
  'socket-in-private-tmp-twin-removed': { rules: ['socket-in-private-tmp'], because: 'the socket is in /tmp' },
  'field-localhost-retries': { rules: ['upstream-keepalive-unused'], because: 'nginx 1.22 speaks HTTP/1.0 to a group with keepalive' },
  'field-node-dies-at-start': { rules: ['upstream-keepalive-unused'], because: 'nginx 1.22 speaks HTTP/1.0 to a group with keepalive' },
  'localhost-ipv6-mismatch-reverse': { rules: ['upstream-keepalive-unused'], because: 'nginx 1.22 speaks HTTP/1.0 to a group with keepalive' },
  'field-hidden-by-error-page': { rules: ['error-page-masks-failure'], because: 'failures are answered with 200 on purpose' },
  'field-chat-without-upgrade': { rules: ['host-header-lost'], because: 'a location for WebSockets loses the Host of its server too' },
  'websocket-upgrade-missing-own-headers': {
    rules: ['upstream-keepalive-unused', 'host-header-lost'],
    because: 'a location loses all headers of its server',
  },
  'http2-upstream-mismatch': { rules: ['grpc-without-http2'], because: 'its clients are no programs of gRPC' },
  'protocol-mismatch-silent': { rules: ['setting-of-other-pass'], because: 'the time limit stays that of FastCGI' },
};

/** The defaults of the lab's own nginx, and of the newest. */
const versions = ['1.22.1', '1.31.5'];
const scenarios = await allScenarios();
const played = await Promise.all(scenarios.map(async scenario => ({ scenario, configs: await playOnPaper(scenario) })));
const cases = played.flatMap(({ scenario, configs: { after, before } }) => {
  const texts = [
    { when: 'before', files: before },
    // Most breaks leave the configuration alone.
    { when: 'after', files: JSON.stringify([...(after ?? [])]) === JSON.stringify([...(before ?? [])]) ? undefined : after },
  ];
  return texts.flatMap(({ when, files }) =>
    files === undefined
      ? []
      : [{ name: `${scenario.name}, ${when} it is broken`, scenario, text: Object.fromEntries(files) as Readonly<Record<string, string>> }],
  );
});

describe("the lab's configurations", () => {
  it('can be played on paper, nearly all of them', () => {
    expect(new Set(cases.map(({ scenario }) => scenario.name)).size).toBeGreaterThan(scenarios.length * 0.9);
  });

  it.each(cases)('$name: nothing is told but what is wrong there', ({ scenario, text }) => {
    for (const version of versions) {
      const { findings } = lintText(rules, { text, version });
      const wrong = findings.filter(
        ({ fault, rule, severity }) =>
          severity !== 'notice' && !explained(scenario).includes(fault ?? rule) && !(deserved[scenario.name]?.rules ?? []).includes(rule),
      );
      expect(wrong.map(({ rule, path, source }) => `${rule}, ${path}: ${source.trim()}`)).toEqual([]);
    }
  });

  it('holds no excuse that is not needed', () => {
    const needed = Object.entries(deserved).filter(([name, { rules: ids }]) =>
      cases.some(
        ({ scenario, text }) =>
          scenario.name === name && versions.some(version => lintText(rules, { text, version }).findings.some(({ rule }) => ids.includes(rule))),
      ),
    );
    expect(needed.map(([name]) => name)).toEqual(Object.keys(deserved));
  });
});

/** Faults that the scenario itself says are there. */
function explained({ fault, expect: { consequences = [], findings = [], first, orFirst = [] } }: Scenario): readonly (string | undefined)[] {
  return [fault, first, ...orFirst, ...consequences, ...findings.map(finding => finding.fault)];
}
