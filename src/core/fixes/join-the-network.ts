import { numberOf, textOf } from '../model/fix-data.ts';
import { defineFix } from '../model/fix.ts';

/** Which of the ways is right depends on how the containers are started: they are shown, and a person chooses. */
export default defineFix({
  id: 'join-the-network',
  fixes: ['docker-network-mismatch'],
  plan({ fixData }) {
    const [address, port, kind] = [textOf(fixData, 'address'), numberOf(fixData, 'port'), textOf(fixData, 'kind')];
    if (address === undefined || port === undefined) return undefined;
    const [container, unit, reach, target] = ['container', 'unit', 'reach', 'target'].map(name => textOf(fixData, name));
    const common = { id: 'join-the-network', automatic: false, risk: 'medium', minutes: 15, validate: [] } as const;
    const verify = `A connection to the backend from where nginx is succeeds, and the requests through nginx do.`;
    if (kind === 'published') {
      const commands = ['docker ps', `# compose: ports: ["…:${port}"], or have the program listen on 0.0.0.0 at the published port`];
      const text = `The port leads to ${target ?? 'a port'} in the container, where nobody listens. Publish the port on which the program listens, and have it listen on 0.0.0.0 instead of 127.0.0.1.`;
      return {
        ...common,
        summary: `Publish the port on which the container really listens, for ${address}`,
        steps: [{ kind: 'manual', text, commands }],
        verify,
      };
    }
    if (kind === 'container') {
      const name = container ?? 'BACKEND';
      return {
        ...common,
        summary: `Let nginx reach the backend by a name or a port that means the same where nginx is, instead of ${address}`,
        steps: [
          {
            kind: 'manual',
            text: `nginx in a container too: put both into one network, listen on 0.0.0.0 in the backend's container, and name the service.`,
            commands: [
              '# compose.yaml',
              'services:',
              '  nginx:',
              '+   networks: [web]',
              `  ${name}:`,
              '+   networks: [web]',
              '+networks:',
              '+  web: {}',
              `# nginx: proxy_pass http://${name}:${port};`,
            ],
          },
          {
            kind: 'manual',
            text: `nginx on the host: publish the port on the host's loopback, which makes ${address} right.`,
            commands: ['# compose.yaml', `  ${name}:`, `+   ports: ["127.0.0.1:${port}:${port}"]`, 'docker compose up -d'],
          },
          {
            kind: 'manual',
            text: 'The backend on the host, nginx in a container: name the host, and have the backend listen on an address that containers reach.',
            commands: [
              '# compose.yaml',
              '  nginx:',
              '+   extra_hosts: ["host.docker.internal:host-gateway"]',
              `# nginx: proxy_pass http://host.docker.internal:${port};`,
            ],
          },
        ],
        verify,
      };
    }
    const isNginxApart = fixData?.['isNginxApart'] === true;
    const whose = isNginxApart ? 'nginx.service' : (unit ?? 'UNIT');
    const commands = [
      `systemctl cat ${whose} | grep -E 'PrivateNetwork|NetworkNamespacePath|JoinsNamespaceOf'`,
      `systemctl edit ${whose}`,
      `systemctl restart ${whose}`,
    ];
    return {
      ...common,
      summary: `Put nginx and the backend at ${address} into one network again`,
      steps: [
        {
          kind: 'manual',
          text: `${whose} was given a network of its own (PrivateNetwork=, NetworkNamespacePath= or ip netns exec). Take that setting out, or give it to both. A unix socket is a file and works across networks.`,
          commands,
        },
        ...(reach === undefined || fixData?.['isLoopback'] === true
          ? []
          : [
              {
                kind: 'manual' as const,
                text: `Or name the address that the place has: ${reach}.`,
                commands: [`# nginx: proxy_pass http://${reach}:${port};`],
              },
            ]),
      ],
      verify,
    };
  },
});
