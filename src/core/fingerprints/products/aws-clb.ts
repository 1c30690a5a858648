import { cookie } from '../marks.ts';
import { defineProduct } from '../product.ts';

/** AWS Classic Load Balancer: its own errors are nearly empty and bear no name, so that only its cookie and its name in DNS show it. */
export default defineProduct({
  id: 'aws-clb',
  title: 'AWS Classic Load Balancer',
  role: 'load-balancer',
  relayedServer: 'keeps',
  namesItself: false,
  marks: [{ see: cookie('AWSELB'), tells: 'path', basis: 'doc', says: 'the cookie of its sticky sessions' }],
  meanings: [
    {
      status: [502, 503],
      text: 'The load balancer has no healthy instance, or could not read its answer.',
      causes: [
        {
          id: 'aws-clb-instances',
          title: 'No instance is healthy in the zone, or its answer is malformed',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Ask for the health of the instances.',
          command: 'aws elb describe-instance-health --load-balancer-name NAME',
          basis: 'memory',
        },
      ],
    },
    {
      status: [504],
      text: 'The instance was slower than the idle timeout, or closed the connection.',
      causes: [
        {
          id: 'aws-clb-idle',
          title: 'The instance is slower than the idle timeout (60 s), or its keep-alive time is below it',
          likelihood: 'common',
          error: 'http_response_timeout',
          next: 'Set the keep-alive time of the instance above the idle timeout.',
          command: 'ssh USER@INSTANCE badhop --since 10m',
          basis: 'memory',
        },
      ],
    },
  ],
});
