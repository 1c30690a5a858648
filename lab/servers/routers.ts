import type { LabHost } from '../host.ts';

export interface RoutedPath {
  /** Of the host with nginx, and of the other one: they are in networks of their own. */
  readonly address: string;
  readonly otherAddress: string;
}

/**
 * Cables two hosts over two routers, which are network namespaces of the other host called `near` and `beyond`; the link
 * between these is `tunnel` in either. Like any tunnel it can become narrower than the cables at its ends.
 */
export async function routed(host: LabHost, other: LabHost, { address, otherAddress }: RoutedPath): Promise<void> {
  const [network, otherNetwork] = [address, otherAddress].map(text => text.slice(0, text.lastIndexOf('.')));
  const [router, otherRouter] = [`${network ?? ''}.254`, `${otherNetwork ?? ''}.254`];
  await host.link(other, address, router);
  const script = `
    cable=$(ip -o addr show to "$1" | cut -d' ' -f2)
    ip netns add near; ip netns add beyond
    ip link set "$cable" netns near
    ip link add tunnel netns near type veth peer name tunnel netns beyond
    ip link add app type veth peer name app netns beyond
    ip -n near addr add "$1/24" dev "$cable"; ip -n near addr add 203.0.113.1/30 dev tunnel
    ip -n beyond addr add 203.0.113.2/30 dev tunnel; ip -n beyond addr add "$2/24" dev app
    ip addr add "$3/24" dev app; ip link set app up
    ip -n near link set "$cable" up; ip -n near link set tunnel up
    ip -n beyond link set tunnel up; ip -n beyond link set app up
    for router in near beyond; do ip netns exec "$router" sysctl -qw net.ipv4.ip_forward=1; done
    ip -n near route add "$5.0/24" via 203.0.113.2
    ip -n beyond route add "$4.0/24" via 203.0.113.1
    ip route add "$4.0/24" via "$2"`;
  await other.shell(script, [router, otherRouter, otherAddress, network ?? '', otherNetwork ?? '']);
  await host.run(['ip', 'route', 'add', `${otherNetwork ?? ''}.0/24`, 'via', router]);
}

/** The link between the routers carries no more than this. With `silent` neither router says so: the black hole. */
export async function narrow(other: LabHost, mtu: number, silent: boolean): Promise<void> {
  await other.shell('for router in near beyond; do ip -n "$router" link set tunnel mtu "$1"; done', [String(mtu)]);
  if (!silent) return;
  await other.shell('for router in near beyond; do ip netns exec "$router" iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP; done');
}
