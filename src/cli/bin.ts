#!/usr/bin/env node
// Every Node.js has to parse this file, old ones too: plain syntax, and nothing imported before the version is known.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

const start = async () => {
  const argv = process.argv.slice(2);
  if (argv[0] === 'logs') (await import('./early-threads.ts')).startThreadsEarly(argv.slice(1));
  const { main } = await import('./main.ts');
  process.exitCode = await main(argv);
};

if (major > 20 || (major === 20 && minor >= 11)) {
  void start();
} else {
  process.stderr.write('badhop: Node.js ' + process.versions.node + ' is too old. Install Node.js 20.11 or later.\n');
  process.exitCode = 2;
}
