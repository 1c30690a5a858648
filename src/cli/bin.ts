#!/usr/bin/env node
// This file is parsed by every Node.js, old ones too: plain syntax, and nothing imported before the version is known.
var version = process.versions.node.split('.');
if (Number(version[0]) < 20 || (Number(version[0]) === 20 && Number(version[1]) < 11)) {
  process.stderr.write('badhop: Node.js ' + process.versions.node + ' is too old. Install Node.js 20.11 or later.\n');
  process.exitCode = 2;
} else {
  void import('./main.ts').then(function (cli) {
    return cli.main(process.argv.slice(2)).then(function (code) {
      process.exitCode = code;
    });
  });
}
