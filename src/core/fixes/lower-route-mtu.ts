import { numberOf, textOf } from '../model/fix-data.ts';
import { defineFix } from '../model/fix.ts';

/** The cure is on the router; a smaller MTU on this host's route helps at once, in both directions. Both are for a person. */
export default defineFix({
  id: 'lower-route-mtu',
  fixes: ['mtu-blackhole'],
  plan({ fixData }) {
    const [address, mtu] = [textOf(fixData, 'address'), numberOf(fixData, 'mtu')];
    if (address === undefined || mtu === undefined) return undefined;
    const isV6 = address.includes(':');
    const ip = isV6 ? 'ip -6' : 'ip';
    const [tables, tooBig] = isV6 ? ['ip6tables', '-p icmpv6 --icmpv6-type packet-too-big'] : ['iptables', '-p icmp --icmp-type fragmentation-needed'];
    return {
      id: 'lower-route-mtu',
      summary: `Send no packets of more than ${mtu} bytes to ${address}, then let the router say what it carries`,
      automatic: false,
      risk: 'medium',
      minutes: 15,
      steps: [
        {
          kind: 'manual',
          text:
            `On this host, at once: a route to ${address} with a smaller MTU, with the "via" and "dev" that the first command shows. New connections then ` +
            `ask the backend for small packets too. It is gone after a restart: put it where this host's routes are kept. The last command undoes it.`,
          commands: [`${ip} route get ${address}`, `${ip} route add ${address} via ROUTER dev INTERFACE mtu ${mtu}`, `${ip} route del ${address}`],
        },
        {
          kind: 'manual',
          text: 'On the router in front of the narrow link (a tunnel, a VPN, PPPoE): let its ICMP messages out and through, or make TCP connections agree on the smaller size.',
          commands: [
            `${tables} -S | grep -i icmp`,
            `${tables} -I OUTPUT ${tooBig} -j ACCEPT; ${tables} -I FORWARD ${tooBig} -j ACCEPT`,
            `${tables} -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`,
          ],
        },
        {
          kind: 'manual',
          text: 'Where the router is not yours: both hosts can find the size by themselves after a few lost packets.',
          commands: ['sysctl -w net.ipv4.tcp_mtu_probing=1   # on both hosts; keep it in /etc/sysctl.d'],
        },
      ],
      validate: [],
      verify: `The page or upload that hung passes, and \`ss -tin dst ${isV6 ? `[${address}]` : address}\` shows an mss below ${mtu}.`,
    };
  },
});
