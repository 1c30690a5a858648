import { both, either, header, wholeBody } from '../marks.ts';
import { between, defineProduct } from '../product.ts';
import { valueOf } from '../view.ts';

const words = ['Internal server error', 'Internal Server Error', 'Endpoint request timed out', 'Service Unavailable', 'Forbidden'];
const request = either(header('x-amz-apigw-id'), header('apigw-requestid'));

/** Amazon API Gateway. The fields are from public samples; the texts have not been checked by anybody. */
export default defineProduct({
  id: 'aws-api-gateway',
  title: 'Amazon API Gateway',
  role: 'gateway',
  relayedServer: 'unknown',
  namesItself: false,
  logTells: 'In its access log $context.integration.status is that of the integration, and - where the gateway answered alone.',
  detail: view => valueOf(view, 'x-amzn-errortype') ?? between(view.body, '"message"', '}')?.replaceAll(/[":]/g, '').trim(),
  marks: [
    {
      see: both(wholeBody(...words.flatMap(text => [`{"message": "${text}"}`, `{"message":"${text}"}`])), request),
      tells: 'page',
      basis: 'memory',
      says: "the gateway's own error text",
    },
    { see: both(header('x-amzn-errortype'), request), tells: 'own', basis: 'field', says: 'the gateway names the kind of an error that it made itself' },
    { see: header('x-amzn-requestid'), tells: 'path', isShared: true, basis: 'field', says: 'the number that services of AWS give a request' },
    { see: request, tells: 'path', basis: 'field', says: 'the number that the gateway gives a request' },
  ],
  meanings: [
    {
      status: [502],
      text: 'The integration answered in a shape that the gateway does not take.',
      causes: [
        {
          id: 'aws-api-gateway-502-malformed',
          title: 'The Lambda function failed, or its answer lacks statusCode, headers or a body that is text',
          likelihood: 'common',
          error: 'http_response_incomplete',
          tells: 'The execution log says Malformed Lambda proxy response.',
          next: 'Read the execution log of the stage and the log of the function.',
          basis: 'field',
          source: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html',
        },
      ],
    },
    {
      status: [503],
      text: 'The integration could not be reached.',
      causes: [
        {
          id: 'aws-api-gateway-503-integration',
          title: 'The integration of an HTTP API failed or timed out',
          likelihood: 'common',
          error: 'destination_unavailable',
          next: 'Read $context.integrationErrorMessage in the access log.',
          basis: 'memory',
        },
      ],
    },
    {
      status: [504],
      text: 'The integration gave no answer in time.',
      causes: [
        {
          id: 'aws-api-gateway-504-timeout',
          title: 'The integration is slower than the gateway waits (29 s for a REST API, 30 s for an HTTP API)',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'The answer comes after 29 or 30 s.',
          next: 'Look at the integration latency, and make the call asynchronous.',
          basis: 'memory',
        },
      ],
    },
  ],
});
