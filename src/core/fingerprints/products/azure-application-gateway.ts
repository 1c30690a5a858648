import { cookie, header } from '../marks.ts';
import { arrPage, nginxPage } from '../pages.ts';
import { defineProduct } from '../product.ts';

const docs = 'https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-troubleshooting-502';
const name = 'Microsoft-Azure-Application-Gateway';

/** Azure Application Gateway, by Microsoft's documents and public samples. Version 2 is made of nginx, version 1 of IIS. */
export default defineProduct({
  id: 'azure-application-gateway',
  title: 'Azure Application Gateway',
  role: 'load-balancer',
  relayedServer: 'unknown',
  namesItself: true,
  versionAfter: `${name}/`,
  logTells: 'In its access log serverStatus is empty where the gateway answered itself, and error_info names the reason.',
  marks: [
    { see: nginxPage(name), tells: 'page', basis: 'field', says: "nginx's error page with the gateway's name in the last line" },
    { see: header('server', { starts: name }), tells: 'path', basis: 'field', says: 'the gateway names itself' },
    { see: arrPage, tells: 'page', isShared: true, basis: 'doc', says: 'the page of IIS with Application Request Routing, which version 1 shows too' },
    { see: cookie('ApplicationGatewayAffinity'), tells: 'path', basis: 'doc', says: 'the cookie of its sticky sessions' },
  ],
  meanings: [
    {
      status: [502],
      text: 'The gateway has no healthy server in the pool, or the server closed the connection.',
      causes: [
        {
          id: 'azure-application-gateway-502-unhealthy',
          title: 'All members of the pool fail the health probe',
          likelihood: 'common',
          error: 'destination_unavailable',
          tells: 'In the access log error_info is ERRORINFO_UPSTREAM_NO_LIVE, and the answer comes at once.',
          next: 'Read why the probe fails.',
          command: 'az network application-gateway show-backend-health -g GROUP -n GATEWAY',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'azure-application-gateway-502-closed',
          title: 'The server closed the connection before it had answered',
          likelihood: 'common',
          error: 'connection_terminated',
          tells: 'In the access log error_info is ERRORINFO_UPSTREAM_CLOSED_CONNECTION.',
          next: 'Look at the server that serverRouted names.',
          command: 'ssh USER@SERVER badhop --since 10m',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'azure-application-gateway-502-network',
          title: 'A network security group or route keeps the gateway from its servers',
          likelihood: 'occasional',
          error: 'destination_ip_unroutable',
          next: "Read the effective rules and routes of the server's network interface.",
          command: 'az network nic list-effective-nsg -g GROUP -n NIC',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'azure-application-gateway-502-certificate',
          title: "The server's certificate does not fit: another name, expired, an issuer that is not uploaded",
          likelihood: 'occasional',
          error: 'tls_certificate_error',
          next: 'Read the words of the health probe, which name the reason.',
          command: 'az network application-gateway show-backend-health -g GROUP -n GATEWAY',
          basis: 'doc',
          source: docs,
        },
        {
          id: 'azure-application-gateway-502-stopped',
          title: 'The pool is empty, or the gateway is stopped or failed its last change',
          likelihood: 'rare',
          error: 'proxy_configuration_error',
          next: 'Read its state.',
          command: 'az network application-gateway show -g GROUP -n GATEWAY --query "[operationalState,provisioningState]"',
          basis: 'doc',
          source: docs,
        },
      ],
    },
    {
      status: [504],
      text: 'The server gave no answer within the request timeout of the backend setting (20 s unless set).',
      causes: [
        {
          id: 'azure-application-gateway-504-timeout',
          title: 'The server is slower than the request timeout',
          likelihood: 'common',
          error: 'http_response_timeout',
          tells: 'In the access log error_info is ERRORINFO_UPSTREAM_TIMED_OUT; a second member may have been tried, so the time can be twice the timeout.',
          next: 'Compare the time of the answer with the request timeout.',
          command: 'az network application-gateway http-settings list -g GROUP --gateway-name GATEWAY --query "[].requestTimeout"',
          basis: 'doc',
          source: docs,
        },
      ],
    },
  ],
});
