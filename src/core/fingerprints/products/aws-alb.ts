import { cname, cookie, header, wholeBody } from '../marks.ts';
import { nginxTitles } from '../pages.ts';
import { defineProduct } from '../product.ts';

const docs = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html';

/** For some years without a colour: 122 bytes for a 502 then, 138 before. */
const page = (title: string, attributes: string): string =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body${attributes}>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>`;

/** AWS Application Load Balancer, by AWS's documents and public samples of its answers: a 502 of 122 bytes, a 503 of 162. */
export default defineProduct({
  id: 'aws-alb',
  title: 'AWS Application Load Balancer',
  role: 'load-balancer',
  relayedServer: 'keeps',
  namesItself: true,
  logTells: 'In its access log target_status_code is - where it answered itself, and elb_status_code alone is set.',
  marks: [
    {
      see: wholeBody(...nginxTitles.flatMap(title => [page(title, ''), page(title, ' bgcolor="white"')])),
      tells: 'page',
      basis: 'field',
      says: "a page like nginx's without the line that names nginx, as AWS's load balancer writes it",
    },
    {
      see: header('server', { is: 'awselb/2.0' }),
      tells: 'own',
      basis: 'field',
      says: 'the load balancer writes this on the answers alone that it makes itself',
    },
    { see: cookie('AWSALB'), tells: 'path', basis: 'doc', says: 'the cookie of its sticky sessions' },
    {
      see: cname('elb.amazonaws.com'),
      tells: 'path',
      isShared: true,
      basis: 'doc',
      says: "the name of one of AWS's load balancers, of this kind or the classic one",
    },
  ],
  meanings: [
    {
      status: [502],
      text: 'The load balancer reached the target or tried to, and got no valid answer.',
      causes: [
        {
          id: 'aws-alb-502-refused',
          title: 'The target refuses the connection: down, another port, a firewall on the host',
          likelihood: 'common',
          error: 'connection_refused',
          tells: 'In the access log all three times are -1 and target_status_code is -.',
          next: "Look at the health of the targets, and at the port that the target's service listens on.",
          command: 'aws elbv2 describe-target-health --target-group-arn ARN',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'aws-alb-502-closed',
          title: "The target closed the connection: its keep-alive time is not above the load balancer's idle timeout (60 s), or it crashed",
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'A few requests of a thousand fail; request_processing_time is set and target_processing_time is -1.',
          next: "Set the keep-alive time of the target above the load balancer's idle timeout.",
          command: 'ssh USER@TARGET badhop --since 10m',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'aws-alb-502-malformed',
          title: 'The answer of the target is no valid HTTP, or its header is too big',
          likelihood: 'occasional',
          error: 'http_protocol_error',
          next: 'Ask the target directly and look at the head of its answer.',
          command: 'badhop trace http://TARGET:PORT/',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'aws-alb-502-lambda',
          title: 'The Lambda target failed or answered in another shape',
          likelihood: 'occasional',
          error: 'http_response_incomplete',
          tells: 'In the access log target:port is - and error_reason begins with Lambda.',
          next: 'Read error_reason in the access log, and the log of the function.',
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [503],
      text: 'The load balancer has no target to ask, or a rule answers so.',
      causes: [
        {
          id: 'aws-alb-503-no-targets',
          title: 'The target group has no registered target',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'In the access log target:port is -. Targets that are all unhealthy do not make a 503: they are asked all the same.',
          next: 'See which targets are registered, and whether their zone is enabled.',
          command: 'aws elbv2 describe-target-health --target-group-arn ARN',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'aws-alb-503-fixed-response',
          title: 'A rule of the listener answers 503 on purpose',
          likelihood: 'occasional',
          error: 'proxy_internal_response',
          tells: 'In the access log actions_executed is fixed-response.',
          next: 'Read the rules of the listener.',
          command: 'aws elbv2 describe-rules --listener-arn ARN',
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [504],
      text: 'The target did not take the connection in 10 s, or gave no answer within the idle timeout.',
      causes: [
        {
          id: 'aws-alb-504-slow',
          title: 'The target is slower than the idle timeout (60 s unless set)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The answer comes after the idle timeout.',
          next: 'Let badhop look at the target.',
          command: 'ssh USER@TARGET badhop --since 10m',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'aws-alb-504-connect',
          title: 'A security group or network ACL drops the connection to the target',
          likelihood: 'common',
          error: 'connection_timeout',
          tells: 'The answer comes after 10 s; all three times in the access log are -1.',
          next: "Allow the load balancer's security group on the target's port, and the ephemeral ports on the way back.",
          basis: 'doc',
          source: docs,
        },
      ],
    },
  ],
});
