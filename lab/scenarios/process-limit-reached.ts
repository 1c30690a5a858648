import { defineScenario } from '../scenario.ts';
import { nginxSite, startNginx } from '../servers/nginx.ts';
import { gunicorn, wsgiApp } from '../servers/python.ts';

/** Starts a thread for each upload and never ends it. */
const code = wsgiApp('upload').replace(
  '    status, headers, body =',
  '    if path in ("/upload", "/keep"):\n        import threading\n        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n    status, headers, body =',
);

export default [
  defineScenario({
    name: 'process-limit-reached',
    title: 'A thread is started with each upload, and the user of the unit may have 24',
    kind: 'fault',
    fault: 'process-limit-reached',
    fails: 500,
    url: 'http://127.0.0.1/upload',
    setUp: async host => {
      // The kernel counts by user over all hosts of the machine: a user that nobody else runs anything as.
      await gunicorn(host, { name: 'upload', code, bind: '127.0.0.1:8871', workers: 1, user: 'games', service: { LimitNPROC: '24' } });
      await nginxSite(host, { name: 'upload', server: 'location / { proxy_pass http://127.0.0.1:8871; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: async host => {
      await host.shell('for n in $(seq 30); do curl -s -m 2 http://127.0.0.1/keep -o /dev/null; done');
    },
    trafficMs: 2000,
    expect: { verdict: 'failing', firstConfidence: 'confirmed', status: 'active', evidence: ["can't start new thread", 'of 24 by'] },
    fix: 'first-plan',
  }),
  defineScenario({
    name: 'process-limit-reached-twin-app-error',
    title: 'The same limit with room left, and the application answers 500 by itself',
    kind: 'twin',
    fault: 'app-returned-5xx',
    twinOf: 'process-limit-reached',
    fails: 500,
    setUp: async host => {
      const broken = code.replace(
        '    if path in',
        '    if os.path.exists("/srv/upload/off"):\n        status = "500 Broken"\n        raise ValueError("no such upload")\n    if path in',
      );
      await gunicorn(host, { name: 'upload', code: broken, bind: '127.0.0.1:8872', workers: 1, user: 'games', service: { LimitNPROC: '400' } });
      await nginxSite(host, { name: 'upload', server: 'location / { proxy_pass http://127.0.0.1:8872; }', log: 'timed' });
      await startNginx(host);
    },
    breakIt: host => host.write('/srv/upload/off', ''),
    expect: { verdict: 'failing', status: 'active' },
    repair: async host => {
      await host.run(['rm', '/srv/upload/off']);
    },
  }),
];
