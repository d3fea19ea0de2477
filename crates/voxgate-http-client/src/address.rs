//! Which IP addresses a server may be talked into dialling.
//!
//! From the IANA special-purpose address registries (RFC 6890 and its updates), the cloud providers' metadata services,
//! and the IPv6 forms that carry an IPv4 address inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of network an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Globally reachable.
    Public,
    /// This machine or a network of the operator's: loopback, RFC 1918, CGNAT, unique local. Only with permission.
    Private,
    /// Link-local, metadata services, multicast, documentation, reserved: never a server worth calling.
    Forbidden,
}

/// Azure's machine service; publicly numbered, answered inside every virtual network.
const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
/// Alibaba Cloud's metadata service, inside the CGNAT range.
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// AWS's metadata service over IPv6, inside the unique local range.
const AWS_METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);
/// Google Cloud's metadata service over IPv6.
const GOOGLE_METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0x0ce, 0, 0, 0, 0, 0, 0x0254);

/// Classifies an address; one that embeds an IPv4 address is judged by that.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    use AddressClass::{Forbidden, Private, Public};
    if address == AZURE_WIRE_SERVER || address == ALIBABA_METADATA {
        return Forbidden;
    }
    match address.octets() {
        [127, ..] | [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Private,
        [0, ..]                 // "this network"
        | [169, 254, ..]        // link-local, and most metadata services
        | [192, 0, 0, _]        // IETF protocol assignments, Oracle's metadata service
        | [192, 0, 2, _]        // documentation
        | [192, 88, 99, _]      // 6to4 relays
        | [198, 18..=19, ..]    // benchmarking
        | [198, 51, 100, _]     // documentation
        | [203, 0, 113, _]      // documentation
        | [224..=255, ..]       // multicast, reserved, broadcast
        => Forbidden,
        _ => Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    use AddressClass::{Forbidden, Private, Public};
    if address == AWS_METADATA_V6 || address == GOOGLE_METADATA_V6 {
        return Forbidden;
    }
    if address == Ipv6Addr::LOCALHOST {
        return Private;
    }
    let groups = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match groups {
        // IPv4-mapped: the socket dials the IPv4 address.
        [0, 0, 0, 0, 0, 0xffff, high, low] => classify_v4(embedded(high, low)),
        // NAT64: the gateway dials it.
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => classify_v4(embedded(high, low)),
        // 6to4: so does the relay.
        [0x2002, high, low, ..] => classify_v4(embedded(high, low)),
        // ISATAP: an IPv4 address as the interface identifier.
        [.., 0x0000 | 0x0200, 0x5efe, high, low] if groups[0] & 0xe000 == 0x2000 => classify_v4(embedded(high, low)),
        [0xfc00..=0xfdff, ..] => Private,
        [0x2001, 0x0000, ..]                // Teredo: the embedded address is obfuscated and the service is gone
        | [0x2001, 0x0002, 0x0000, ..]      // benchmarking
        | [0x2001, 0x0010..=0x002f, ..]     // ORCHID
        | [0x2001, 0x0db8, ..]              // documentation
        | [0x3fff, 0x0000..=0x0fff, ..]     // documentation
        => Forbidden,
        // Global unicast is 2000::/3; everything else is link-local, multicast, discard, deprecated or unassigned.
        [0x2000..=0x3fff, ..] => Public,
        _ => Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_are_not_public() {
        use AddressClass::{Forbidden, Private, Public};
        for (text, class) in [
            ("1.1.1.1", Public),
            ("8.8.8.8", Public),
            ("172.15.255.255", Public),
            ("172.32.0.1", Public),
            ("100.63.255.255", Public),
            ("100.128.0.1", Public),
            ("2606:4700:4700::1111", Public),
            ("127.0.0.1", Private),
            ("127.255.255.254", Private),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("100.127.255.255", Private),
            ("::1", Private),
            ("fc00::1", Private),
            ("fdab::1", Private),
            ("0.0.0.0", Forbidden),
            ("0.1.2.3", Forbidden),
            ("169.254.169.254", Forbidden),
            ("169.254.0.1", Forbidden),
            ("168.63.129.16", Forbidden),
            ("100.100.100.200", Forbidden),
            ("192.0.0.192", Forbidden),
            ("192.0.2.1", Forbidden),
            ("192.88.99.1", Forbidden),
            ("198.18.0.1", Forbidden),
            ("198.19.255.255", Forbidden),
            ("198.51.100.1", Forbidden),
            ("203.0.113.1", Forbidden),
            ("224.0.0.1", Forbidden),
            ("240.0.0.1", Forbidden),
            ("255.255.255.255", Forbidden),
            ("::", Forbidden),
            ("::127.0.0.1", Forbidden),
            ("fe80::1", Forbidden),
            ("fec0::1", Forbidden),
            ("ff02::1", Forbidden),
            ("100::1", Forbidden),
            ("2001:db8::1", Forbidden),
            ("2001::1", Forbidden),
            ("3fff::1", Forbidden),
            ("5f00::1", Forbidden),
            ("fd00:ec2::254", Forbidden),
            ("fd20:ce::254", Forbidden),
            ("64:ff9b:1::a00:1", Forbidden),
            ("::ffff:127.0.0.1", Private),
            ("::ffff:10.1.2.3", Private),
            ("::ffff:169.254.169.254", Forbidden),
            ("::ffff:1.1.1.1", Public),
            ("64:ff9b::7f00:1", Private),
            ("64:ff9b::169.254.169.254", Forbidden),
            ("64:ff9b::8.8.8.8", Public),
            ("2002:7f00:1::", Private),
            ("2002:a9fe:a9fe::1", Forbidden),
            ("2002:808:808::1", Public),
            ("2001:470:1:2:0:5efe:10.0.0.1", Private),
            ("2001:470:1:2:200:5efe:169.254.169.254", Forbidden),
        ] {
            let address: IpAddr = text
                .parse()
                .unwrap_or_else(|_| panic!("{text} is no address"));
            assert_eq!(classify(address), class, "{text}");
        }
    }
}
