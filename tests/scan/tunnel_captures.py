"""What the captures of other projects carry in tunnels, file by file.

Compared with what tshark 4.0 reads in all captures of these projects: it names the same addresses
and names below each tunnel that is opened here, and opens none that is missing on these lists.
"""

from collections.abc import Mapping

FOLDERS = {
    "zeek-doc": "zeek/doc/advanced/devel/plugins",
    "zeek": "zeek/testing/btest/Traces",
    "arkime": "arkime/tests/pcap",
    "tcpdump": "tcpdump/tests",
}

OPENED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "zeek-doc/connkey-vxlan-fivetuple-plugin-src/Traces/vxlan-overlapping-http-get.pcap": {
        "vxlan": ("141.142.228.5", "192.150.187.43")
    },
    "zeek/erspan.pcap": {"gre": ("192.168.69.10", "192.168.69.2")},
    "zeek/erspanI.pcap": {"erspan": ("172.16.133.2", "172.217.11.78")},
    "zeek/erspanII.pcap": {"erspan": ("23.0.0.2", "23.0.0.3")},
    "zeek/erspanIII.pcap": {"erspan": ("192.168.15.47", "1.1.1.1")},
    "zeek/trunc/mpls-6in6-6in6-4in6-trunc.pcap": {
        "6in6": ("ff00:0:6929::6904:ff:3bbf", "ffff:0:69:2900:0:69:400:ff3b")
    },
    "zeek/tunnels/4in4.pcap": {"ipip": ("10.0.0.1", "10.0.0.2")},
    "zeek/tunnels/4in6.pcap": {"4in6": ("70.55.213.211", "192.88.99.1")},
    "zeek/tunnels/6in4.pcap": {"6in4": ("dead::beef", "cafe::babe")},
    "zeek/tunnels/6in6-tunnel-change.pcap": {"6in6": ("dead::beef", "cafe::babe")},
    "zeek/tunnels/6in6.pcap": {"6in6": ("dead::beef", "cafe::babe")},
    "zeek/tunnels/6in6in6.pcap": {
        "6in6": ("babe::beef", "dead::babe"),
        "6in6/6in6": ("dead::beef", "cafe::babe"),
    },
    "zeek/tunnels/Teredo.pcap": {
        "teredo": ("2001:0:4137:9e50:8000:f12a:b9c8:2815", "2001:4860:0:2001::68")
    },
    "zeek/tunnels/ayiya-large-identity.pcap": {"ayiya": ("fd00::1", "fd00::2")},
    "zeek/tunnels/ayiya3.pcap": {"ayiya": ("2001:4978:f:4c::1", "2001:4978:f:4c::2")},
    "zeek/tunnels/geneve-47101.pcap": {"geneve": ("192.168.0.107", "145.40.68.75")},
    "zeek/tunnels/geneve-inner-tcp-bad-checksum.pcap": {"geneve": ("10.0.0.1", "10.0.0.2")},
    "zeek/tunnels/geneve-ipv6.pcap": {"geneve": ("fd00::1", "fd00::2")},
    "zeek/tunnels/geneve-many-options.pcap": {"geneve": ("10.0.0.226", "95.217.228.176")},
    "zeek/tunnels/geneve-tagged-udp-packet.pcap": {"geneve": ("127.0.0.1", "127.0.0.1")},
    "zeek/tunnels/geneve-vxlan-dns-truncated.pcap": {
        "geneve": ("127.0.0.1", "127.0.0.1"),
        "geneve/vxlan": ("172.16.11.201", "1.1.1.1"),
    },
    "zeek/tunnels/geneve.pcap": {"geneve": ("30.0.0.1", "30.0.0.2")},
    "zeek/tunnels/gre-aruba.pcap": {"gre": ("10.37.36.92", "192.0.78.150")},
    "zeek/tunnels/gre-erspan3-dot1q.pcap": {"erspan": ("172.31.10.31", "172.31.10.2")},
    "zeek/tunnels/gre-over-udp-4754.pcap": {"gre": ("172.17.0.2", "1.1.1.1")},
    "zeek/tunnels/gre-pptp.pcap": {
        "4in6": ("16.0.0.200", "192.52.166.154"),
        "4in6/pptp": ("172.16.44.3", "8.8.8.8"),
    },
    "zeek/tunnels/gre-sample.pcap": {"gre": ("66.59.111.190", "172.28.2.3")},
    "zeek/tunnels/gre-within-gre.pcap": {
        "gre": ("10.10.11.2", "10.10.13.2"),
        "gre/gre": ("10.10.25.1", "192.168.1.2"),
    },
    "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap": {
        "gtp": ("10.131.47.185", "79.101.110.141")
    },
    "zeek/tunnels/gtp/gtp2_different_udp_port.pcap": {"gtp": ("10.131.17.170", "173.199.115.168")},
    "zeek/tunnels/gtp/gtp4_udp_2152_inside.pcap": {"gtp": ("74.125.216.149", "10.131.138.69")},
    "zeek/tunnels/gtp/gtp6_gtp_0x32.pcap": {"gtp": ("10.222.10.10", "173.194.69.188")},
    "zeek/tunnels/gtp/gtp7_ipv6.pcap": {"gtp": ("fe80::224c:4fff:fe43:414c", "ff02::1:3")},
    "zeek/tunnels/gtp/gtp8_teredo.pcap": {
        "gtp": ("172.24.204.200", "65.55.158.118"),
        "gtp/teredo": (
            "2001:0:5ef5:79fd:3ca5:6ae6:2b37:be97",
            "2001:0:4137:9e76:201a:3f51:3afd:573e",
        ),
    },
    "zeek/tunnels/gtp/gtp_control_prime.pcap": {"gtp": ("192.168.0.3", "209.85.227.104")},
    "zeek/tunnels/gtp/pdp_ctx_messages.pcapng": {"gtp": ("192.168.0.3", "209.85.227.104")},
    "zeek/tunnels/mpls-6in6-6in6-4in6-invalid-version-4.pcap": {
        "6in6": ("ff00:0:6929::6904:ff:3bbf", "ffff:0:69:2900:0:69:400:ff3b")
    },
    "zeek/tunnels/ping6-in-ipv4.pcap": {"6in4": ("2001:db8:0:1::1", "2001:db8:0:1::2")},
    "zeek/tunnels/teredo_bubble_with_payload.pcap": {
        "teredo": ("2001:0:4137:9e50:8000:f12a:b9c8:2815", "2001:4860:0:2001::68")
    },
    "zeek/tunnels/vxlan-encapsulated-http.pcap": {"vxlan": ("172.16.11.201", "54.86.237.188")},
    "zeek/tunnels/vxlan-encapsulated-igmp-v2.pcap": {"vxlan": ("192.168.9.80", "224.0.0.251")},
    "zeek/tunnels/vxlan-inner-tcp-bad-checksum.pcap": {"vxlan": ("10.0.0.1", "10.0.0.2")},
    "zeek/tunnels/vxlan-triple-v2.pcap": {
        "vxlan": ("2.2.2.2", "2.2.2.9"),
        "vxlan/vxlan": ("3.3.3.3", "3.3.3.9"),
        "vxlan/vxlan/vxlan": ("4.4.4.4", "4.4.4.9"),
    },
    "zeek/tunnels/vxlan.pcap": {"vxlan": ("10.0.0.1", "10.0.0.2")},
    "arkime/6-4-gre-ppp-udp-4-dns.pcap": {
        "4in6": ("16.0.0.200", "192.52.166.154"),
        "4in6/pptp": ("172.16.44.3", "8.8.8.8"),
    },
    "arkime/arkime_synthetic.pcap": {
        "gre": ("192.168.1.1", "192.168.1.2"),
        "vxlan": ("192.168.2.1", "192.168.2.2"),
        "ipip": ("192.168.3.1", "192.168.3.2"),
        "gtp": ("192.168.5.1", "192.168.5.2"),
        "geneve": ("192.168.6.1", "192.168.6.2"),
        "4in6": ("10.9.10.1", "10.9.10.2"),
        "6in6": ("2001:db8:902::1", "2001:db8:902::2"),
    },
    "arkime/gre-erspan-vxlan.pcap": {
        "erspan": ("172.16.27.131", "172.16.27.121"),
        "erspan/vxlan": ("10.16.27.12", "10.16.27.131"),
    },
    "arkime/gre-erspan.pcap": {"erspan": ("23.0.0.2", "23.0.0.3")},
    "arkime/gre-sample.pcap": {"gre": ("66.59.111.190", "172.28.2.3")},
    "arkime/gtp-iphone.pcap": {"gtp": ("192.168.3.129", "192.168.168.1")},
    "arkime/gtp-u.pcap": {"gtp": ("202.11.40.158", "192.168.40.178")},
    "arkime/ipv6-gtp6.pcap": {
        "gtp": ("1111:2222:3333:4444:5555:7777::", "1111:2222:3333:4444:5555:8888:a8ac:7bc0")
    },
    "arkime/ipv6-in-ipv4.pcap": {"6in4": ("2001:db8:0:1::1", "2001:db8:0:1::2")},
    "arkime/tcpdump-geneve.pcap": {"geneve": ("30.0.0.1", "30.0.0.2")},
    "arkime/vxlan.pcap": {"vxlan": ("10.0.0.1", "10.0.0.2")},
    "tcpdump/erspan-type-i-1.pcap": {"erspan": ("10.52.128.233", "10.52.128.234")},
    "tcpdump/erspan-type-i-2.pcap": {"erspan": ("10.52.128.233", "10.52.128.234")},
    "tcpdump/erspan-type-i-4.pcap": {
        "erspan": ("10.1.1.100", "10.1.1.1"),
        "gre": ("50.1.1.1", "224.0.0.5"),
    },
    "tcpdump/erspan-type-ii-1.pcap": {"erspan": ("10.48.6.1", "224.0.0.13")},
    "tcpdump/erspan-type-ii-2.pcap": {"erspan": ("10.200.101.2", "224.0.0.2")},
    "tcpdump/erspan-type-iii-ft-0.pcap": {"erspan": ("10.29.11.1", "10.29.20.21")},
    "tcpdump/geneve.pcap": {"geneve": ("30.0.0.1", "30.0.0.2")},
    "tcpdump/ipv6-srh-ipproto-ether.pcap": {"etherip": ("a::2", "e::2")},
    "tcpdump/ipv6-srh-ext-header.pcap": {"6in6": ("a:b:c:12::1", "b2::2")},
    "tcpdump/mpls-over-udp.pcap": {"mpls": ("10.3.0.10", "10.1.0.10")},
    "tcpdump/nsh-over-vxlan-gpe.pcap": {"vxlan": ("192.168.0.1", "192.168.0.2")},
    "tcpdump/various_gre.pcap": {"gre": ("10.172.64.6", "10.172.64.7")},
    "tcpdump/vxlan.pcap": {"vxlan": ("192.168.203.3", "192.168.203.5")},
    "tcpdump/vxlan_port_8472.pcap": {"vxlan": ("192.168.203.3", "192.168.203.5")},
}
"""Tunnels that are opened, as events name them, and whom the first packet inside is from and to."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "zeek-doc/connkey-vxlan-fivetuple-plugin-src/Traces/vxlan-overlapping-http-get.pcap": (
        "bro.org",
    ),
    "zeek/erspan.pcap": (
        "192.168.69.2",
        "2.69.168.192.in-addr.arpa",
        "fhfaebeecacacacacacacacacacacaaa",
        "wpad",
        "www.xkcd.com",
        "www.xkcd.com.sp.local",
    ),
    "zeek/tunnels/Teredo.pcap": ("ipv6.google.com",),
    "zeek/tunnels/ayiya3.pcap": ("ipv6.google.com",),
    "zeek/tunnels/geneve-47101.pcap": ("www.kernel.org",),
    "zeek/tunnels/geneve-many-options.pcap": ("wtfismyip.com",),
    "zeek/tunnels/geneve-vxlan-dns-truncated.pcap": ("corelight.com",),
    "zeek/tunnels/gre-aruba.pcap": (
        "11.tlu.dl.delivery.mp.microsoft.com",
        "2.tlu.dl.delivery.mp.microsoft.com",
        "9.tlu.dl.delivery.mp.microsoft.com",
        "dl.delivery.mp.microsoft.com",
        "google.com",
        "www.google.com",
        "zeek.org",
    ),
    "zeek/tunnels/gre-over-udp-4754.pcap": ("zeek.org",),
    "zeek/tunnels/gre-pptp.pcap": ("xqt-detect-mode2-97712e88-167a-45b9-93ee-913140e76678",),
    "zeek/tunnels/gre-sample.pcap": ("www.gleeble.org",),
    "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap": (
        "o-o.preferred.telekomrs-beg1.v2.lscache8.c.youtube.com",
    ),
    "zeek/tunnels/gtp/gtp2_different_udp_port.pcap": ("cdn.epicgameads.com",),
    "zeek/tunnels/gtp/gtp7_ipv6.pcap": ("xmail.nelt.com",),
    "zeek/tunnels/teredo_bubble_with_payload.pcap": ("ipv6.google.com",),
    "zeek/tunnels/vxlan-encapsulated-http.pcap": ("eu.httpbin.org",),
    "zeek/tunnels/vxlan-triple-v2.pcap": ("www.bbc.com",),
    "arkime/6-4-gre-ppp-udp-4-dns.pcap": ("xqt-detect-mode2-97712e88-167a-45b9-93ee-913140e76678",),
    "arkime/arkime_synthetic.pcap": ("example.com",),
    "arkime/gre-sample.pcap": ("www.gleeble.org",),
    "arkime/gtp-iphone.pcap": ("sentitlement.mobile.att.net",),
    "arkime/ipv6-gtp6.pcap": ("xxxxxx5.xxxxxxx6.com",),
}
"""All names that are asked for, answered or called inside the tunnels of these captures."""

SILENT: Mapping[str, int] = {
    "zeek/trunc/mpls-6in6-broken.pcap": 1774,
    "zeek/tunnels/gre-aruba-amsdu.pcap": 1,
    "zeek/tunnels/gtp/gtp9_unknown_or_too_short_payload.pcap": 11,
    "zeek/tunnels/gtp/gtp_ext_header.pcap": 1,
    "zeek/tunnels/mpls-6in6-6in6-invalid-version-6.pcap": 1,
    "zeek/tunnels/tunnel-direct-bypass.pcap": 10,
    "tcpdump/bigtcp-ipv4-geneve-ipv4.pcap": 1,
    "tcpdump/bigtcp-ipv4-geneve-ipv6.pcap": 1,
    "tcpdump/bigtcp-ipv4-vxlan-ipv4.pcap": 1,
    "tcpdump/bigtcp-ipv4-vxlan-ipv6.pcap": 1,
    "tcpdump/bigtcp-ipv6-geneve-ipv4.pcap": 1,
    "tcpdump/bigtcp-ipv6-geneve-ipv6.pcap": 1,
    "tcpdump/bigtcp-ipv6-vxlan-ipv4.pcap": 1,
    "tcpdump/bigtcp-ipv6-vxlan-ipv6.pcap": 1,
    "tcpdump/geneve-gcp.pcap": 1,
    "tcpdump/gso-ipv4-geneve-ipv4.pcap": 1,
    "tcpdump/gso-ipv4-geneve-ipv6.pcap": 1,
    "tcpdump/gso-ipv4-vxlan-ipv4.pcap": 1,
    "tcpdump/gso-ipv4-vxlan-ipv6.pcap": 1,
    "tcpdump/gso-ipv6-geneve-ipv4.pcap": 1,
    "tcpdump/gso-ipv6-geneve-ipv6.pcap": 1,
    "tcpdump/gso-ipv6-vxlan-ipv4.pcap": 1,
    "tcpdump/gso-ipv6-vxlan-ipv6.pcap": 1,
    "tcpdump/wccp_redirect_gre.pcap": 1,
}
"""Tunnels that are opened and hold nothing to look up at once: data segments, what is cut."""

NOT_OPENED: Mapping[str, str] = {
    "zeek/mount/mount-unmount-bad-auth-flavor.pcap": "a remote call, to tshark Teredo",
    "zeek/mount/mount-unmount-bad-status.pcap": "a remote call, to tshark Teredo",
    "zeek/mount/mount-unmount.pcap": "a remote call, to tshark Teredo",
    "zeek/tunnels/geneve-arp.pcap": "ARP",
    "zeek/tunnels/geneve-truncated.pcapng": "cut behind the header",
    "zeek/tunnels/gre-aruba-ccmp.pcap": "encrypted radio frames",
    "zeek/tunnels/gtp/gtp10_not_0xff.pcap": "no user data",
    "zeek/tunnels/gtp/gtp3_false_gtp.pcap": "DNS that looks like GTP",
    "zeek/tunnels/gtp/gtp_create_pdp_ctx.pcap": "signalling",
    "zeek/tunnels/teredo-udp-in-udp.pcap": "no IPv6 packet inside",
    "tcpdump/NHRP-responder-address.pcap": "next hop resolution",
    "tcpdump/NHRP_registration.pcap": "next hop resolution",
    "tcpdump/PIM_register_register-stop.pcap": "multicast on its way to a rendezvous point",
    "tcpdump/erspan-type-i-3.pcap": "no IP inside",
    "tcpdump/erspan-type-ii-3.pcap": "no IP inside",
    "tcpdump/erspan-type-iii-ft-7.pcap": "no IP inside",
    "tcpdump/erspan-type-iii-pb-1.pcap": "damaged",
    "tcpdump/gre-heapoverflow-1.pcap": "damaged",
    "tcpdump/gre-heapoverflow-2.pcap": "damaged",
    "tcpdump/ios_nhrp.pcap": "next hop resolution",
    "tcpdump/isis-infinite-loop.pcap": "IS-IS",
    "tcpdump/l2tp-avp-overflow.pcap": "signalling",
    "tcpdump/lisp_eid_notify.pcap": "signalling",
    "tcpdump/lisp_eid_register.pcap": "signalling",
    "tcpdump/lisp_invalid.pcap": "signalling",
    "tcpdump/lisp_invalid_length.pcap": "signalling",
    "tcpdump/lisp_ipv6.pcap": "signalling",
    "tcpdump/nhrp-trace.pcap": "next hop resolution, which quotes packets",
    "tcpdump/nhrp.pcapng": "next hop resolution",
    "tcpdump/of13_ericsson.pcapng": "frames that OpenFlow hands to a controller",
    "tcpdump/pim-packet-assortment.pcap": "multicast on its way to a rendezvous point",
    "tcpdump/pptp.pcap": "signalling",
    "tcpdump/sflow-print-v6.pcap": "samples of sFlow",
    "tcpdump/sflow_expanded.pcap": "samples of sFlow",
}
"""What has a tunnel's name, or what tshark calls a packet in a packet, is not opened, and why.

Packets that ICMP errors quote are no tunnel's either.
"""
