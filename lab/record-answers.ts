import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askStage, stageRequests } from './answers/record.ts';
import { problemOf } from './answers/judge.ts';
import { raiseStage } from './answers/stage.ts';
import { REPOSITORY, bootHost } from './host.ts';

/** Writes what the stage answers to where the tests and `docs/fingerprints.md` read it: `node lab/record-answers.ts`. */
const path = join(REPOSITORY, 'src/core/fingerprints/recorded.fixtures/lab.json');
const versions = {
  nginx: ['nginx', '-v'],
  apache: ['apache2', '-v'],
  haproxy: ['haproxy', '-v'],
  caddy: ['caddy', 'version'],
  varnish: ['varnishd', '-V'],
  gunicorn: ['gunicorn', '--version'],
} as const;

const host = await bootHost();
try {
  await raiseStage(host);
  const answers = await askStage(host, stageRequests());
  const outcomes = await Promise.all(Object.values(versions).map(argv => host.exec(argv)));
  const named = Object.keys(versions).map((name, index) => [
    name,
    /\d+\.\d+(?:\.\d+)?/.exec(`${outcomes[index]?.stdout ?? ''}${outcomes[index]?.stderr ?? ''}`)?.[0] ?? '',
  ]);
  const lines = answers.map(answer => JSON.stringify(answer));
  writeFileSync(path, `{"versions": ${JSON.stringify(Object.fromEntries(named))},\n"answers": [\n${lines.join(',\n')}\n]}\n`);
  const problems = answers.filter(one => one.answer.status >= 500).flatMap(one => problemOf(one) ?? []);
  process.stdout.write([`${answers.length} answers written to ${path}`, ...problems, ''].join('\n'));
} finally {
  await host.stop();
}
