import type { LabHost } from '../lab/host.ts';

export const accessLog = '/var/log/nginx/access.log';
export const errorLog = '/var/log/nginx/error.log';

const site = 'server { listen 80 default_server; location / { proxy_pass http://127.0.0.1:8080; } }';

/**
 * Writes the logs of a busy host: a hole with an old line every 16 MiB (a file in time order, as bisection expects it),
 * then the last 20 minutes at 200 requests a second, the last ten of them failing in part. Arguments: bytes of the hole.
 */
const writeLogs = `
import sys, time
hole, now = int(sys.argv[1]), time.time()
def access(at, status):
    stamp = time.strftime('%d/%b/%Y:%H:%M:%S +0000', time.gmtime(at))
    return f'192.0.2.{int(at) % 250} - - [{stamp}] "GET /cart/{int(at * 1000) % 9973} HTTP/1.1" {status} 157 "-" "Mozilla/5.0 (X11; Linux x86_64)"\\n'
with open('${accessLog}', 'wb') as log:
    for at in range(0, hole, 16 << 20):
        log.seek(at)
        log.write(('\\n' + access(now - 7 * 86400 * (1 - at / hole) - 1300, 200)).encode())
    log.seek(hole)
    log.write(b'\\n' if hole else b'')
    for n in range(20 * 60 * 200):
        at = now - 1200 + n / 200
        log.write(access(at, 502 if at > now - 600 and n % 3 == 0 else 200).encode())
with open('${errorLog}', 'w') as log:
    for n in range(10 * 60 * 66):
        at = now - 600 + n / 66
        stamp = time.strftime('%Y/%m/%d %H:%M:%S', time.localtime(at))
        log.write(f'{stamp} [error] 71#71: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.9, server: , request: "GET /cart/{n % 9973} HTTP/1.1", upstream: "http://127.0.0.1:8080/cart/{n % 9973}", host: "shop.example"\\n')
`;

/** nginx in front of a service that has been stopped, with empty logs. */
export async function breakHost(host: LabHost): Promise<void> {
  await host.write('/etc/nginx/sites-enabled/default', site);
  await host.unitFile('api.service', '[Service]\nExecStart=/usr/bin/python3 -m http.server 8080 --bind 127.0.0.1\n');
  await host.start('api', 'nginx');
  await host.systemctl('stop', 'api');
}

export async function fillLogs(host: LabHost, holeBytes: number): Promise<void> {
  await host.run(['python3', '-c', writeLogs, String(holeBytes)], { timeoutMs: 120_000 });
}

/** What the usual guides tell people to type: search the whole access log, count by URL, look at the error log. */
export const guide: readonly string[] = [
  'sh',
  '-c',
  `LC_ALL=C grep -a ' 502 ' ${accessLog} | awk '{print $7}' | sort | uniq -c | sort -rn | head; grep -a 'upstream' ${errorLog} | tail -n 50`,
];
