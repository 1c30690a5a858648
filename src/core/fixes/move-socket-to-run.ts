import { defineFix } from '../model/fix.ts';

/** Steps for a person: both ends change, and what the service is started with is its own affair. */
export default defineFix({
  id: 'move-socket-to-run',
  fixes: ['socket-in-private-tmp'],
  plan(finding) {
    const { unit, path } = finding.fixData ?? {};
    if (typeof path !== 'string') return undefined;
    const name = (typeof unit === 'string' ? unit : 'backend').replace(/\.service$/, '').replace(/[^A-Za-z0-9_-]/g, '-');
    const socket = `/run/${name}/${path.slice(path.lastIndexOf('/') + 1)}`;
    const owner = typeof unit === 'string' ? unit : 'the backend';
    return {
      id: 'move-socket-to-run',
      summary: `Move the socket from ${path} to ${socket}, which every unit sees`,
      automatic: false,
      risk: 'medium',
      minutes: 10,
      steps: [
        {
          kind: 'manual',
          text: `Give ${owner} a folder below /run and let it listen at ${socket}; then let nginx ask that path.`,
          commands: [
            ...(typeof unit === 'string'
              ? [
                  `systemctl edit ${unit}   # [Service] RuntimeDirectory=${name}, and the new path in ExecStart or in the file that it reads`,
                  `systemctl restart ${unit}`,
                ]
              : []),
            `grep -rn ${path} /etc/nginx`,
            'nginx -t && systemctl reload nginx',
          ],
        },
      ],
      validate: [['nginx', '-t']],
      verify: `${socket} is there, and requests through nginx succeed.`,
    };
  },
});
