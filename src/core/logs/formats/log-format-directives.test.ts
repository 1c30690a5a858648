import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLogFormatDirectives } from './log-format-directives.ts';
import { fieldsOf } from './testing.ts';

const conf = `
user www-data;
http {
  # log_format not '$this';
  log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                  '$status "$http_user_agent"';
  log_format facts escape=json '{"t":"$msec","s":$status,"ua":"$http_user_agent"}';
  log_format "odd name" escape=none "$status \\"$request\\"";
  log_format empty 'no variable';
  log_format;
  server { listen 80; access_log /var/log/nginx/a.log main; }
  log_format main '$status $upstream_addr';
}
`;

describe('log_format directives', () => {
  const formats = parseLogFormatDirectives(conf);

  it('become formats; of two with one name the last counts', () => {
    expect(formats.map(({ id, title }) => [id, title])).toEqual([
      ['nginx:main', 'nginx access log (main)'],
      ['nginx:facts', 'nginx access log (facts)'],
      ['nginx:odd name', 'nginx access log (odd name)'],
    ]);
    expect(fieldsOf(formats[0], '502 10.0.0.1:80, 10.0.0.2:80')).toEqual({ status: '502', peer: '10.0.0.1:80, 10.0.0.2:80' });
    expect(fieldsOf(formats[1], '{"t":"1795226114.123","s":502,"ua":"a\\"b é"}')).toEqual({ status: '502', 'user-agent': 'a"b é' });
    expect(fieldsOf(formats[2], '200 "GET / HTTP/1.1"')).toMatchObject({ status: '200' });
  });

  it('are read of a part of a configuration too', () => {
    expect(parseLogFormatDirectives('log_format up escape=default "$status é $request_time"').map(({ id }) => id)).toEqual(['nginx:up']);
    expect(fieldsOf(parseLogFormatDirectives('log_format up "$status é $request_time";')[0], '200 é 0.010')).toEqual({
      status: '200',
      'request-time': '0.010',
    });
    expect(parseLogFormatDirectives('')).toEqual([]);
  });

  it('are read of any text without throwing, and no more than a hundred', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom('log_format ', 'a ', "'$status'", ';', '{', '}', 'escape=json ', '"'), fc.string({ unit: 'binary' }))),
        parts => void parseLogFormatDirectives(parts.join('')),
      ),
    );
    expect(parseLogFormatDirectives(Array.from({ length: 500 }, (_, index) => `log_format f${index} $status;`).join('\n'))).toHaveLength(100);
  });
});
