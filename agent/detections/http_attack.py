"""Attack requests: thirteen classes of injections and probes in target and body (H-16, H-17, H-19).

Target and body are decoded twice, `+` and comments are blanks, case does not count; whatever the
Host claims to be. Errs on programs that really pass SQL, shell commands or markup in requests, and
on administrators who do by hand what attackers do.
"""

import string

import msgspec

from agent.detections import Finding, Seen
from agent.detections._text import compiled, plain, shown, words
from agent.scan.wanted import Wanted

SQL = (
    r"information_schema|sysdatabases|sysusers|floor\(rand\(|\border by \d+\b|"
    r"\bunion (?:all |distinct )?\(?select\b|\b(?:updatexml|extractvalue)\(|"
    r"\bcase when\b.{1,200}\bthen\b|\bwaitfor delay\b|\bconvert\((?:int|char|@@|.{1,40} using )|"
    r"varchar\(|\bcount\(\*\)|\b(?:pg_)?sleep\(\s?\d|\bbenchmark\(\d|"
    r"\bselect [\w*@.,() ]{1,100} from [\w.]+ (?:where|group by|order by)\b|"
    r"(?:^|[=('\";]|--) ?select [\w*@.,() ]{1,60} from [\w.]+|"
    r"(?:\b|['\")])(?:and|or)[^\w]+\d+['\") ]*[=<>]+['\"( ]*\d+|"
    r"\b(?:and|or) ?['\"]\w{1,20}['\"] ?= ?['\"]\w{1,20}|"
    r"odbc;driver|\binto (?:out|dump)file\b|\bdrop (?:table|database)\b|@@version\b|"
    r"\bload_file\(|\bgroup_concat\(|\bdbms_pipe\.|\bxp_dirtree\b"
)
RCE = (
    r"\$_(?:request|get|post)\[|xp_cmdshell|shell_exec|exec_code|shell:::\{|oscmd\(|"
    r"\bping(?:\.exe)? -[nc] \d+|timeout(?:\.exe)? /t|tftp -|"
    r"\b(?:wget|curl)(?:\.exe)? (?:[\w./-]+ ){0,4}['\"]?(?:https?|ftp):/|curl -o|"
    r"sh /tmp/|touch /tmp/|\bcd /tmp\b|cmd\.exe|/bin/(?:ba)?sh\b|/sbin/launchd\b|2>&1|"
    r"\b(?:cat|ls) /|chmod [0-7]{3,4}\b|chmod x\b|base64 -d|nc -l -p \d+|> ?/dev/null|"
    r"\b(?:allow_url_include|auto_prepend_file)\b|-d safe_mode|ms-msdt:|mhtml:ftp:|"
    r"jndi:(?:corba|dns|http|iiop|nds|nis|ldaps?|rmi):?|\$\{(?:lower|upper|env|sys|::-)|"
    r"base64:jhtqbmrp|[=;|& ]ipconfig\b|\bnet (?:config|view)\b|\bnltest\b|"
    r"\bnetsh (?:firewall|advfirewall|wlan)\b|\$\{ifs\}|getruntime\(\)\.exec\(|\.execsync\(|"
    r"eval-stdin\.php|function=call_user_func|\bbusybox (?:wget|tftp|cat|sh)\b"
)
DNS_FIELDS = words(
    "dhcppridns dhcpsecdns staticpridns staticsecdns staticthidns pridnsv6 secdnsv6 thidnsv6 "
    "staticpridnsv6 staticsecdnsv6 staticthidnsv6 dnsipv4 dns2ipv4 dnsipv6 dns2ipv6 pppoepridns "
    "pppoesecdns wan_dns1 wan_dns2 dnsprimary dnssecondary dnsdynamic dnsrefresh dns_fst dns_snd "
    "dnsserver dnsserver1 dnsserver2 dns_server_ip_1 dns_server_ip_2 dns_server_ip_3 "
    "dns_server_ip_4 dns1 dns2 dns3 dns4 dns1_1 dns1_2 dns1_3 dns1_4 dns2_1 dns2_2 dns2_3 dns2_4 "
    "wan_dns_x wan_dns1_x wan_dns2_x wan_dns3_x wan_dns4_x wan_dnsenable_x dns_status p_dns a_dns "
    "uiviewdns1mark uiviewdns2mark uiviewdnsrelay is_router_as_dns enable_dnsfollowing "
    "domainserverip dsen dnsen dnsmode"
)
"""Fields of home routers' forms."""

LEAK = "potential data leakage"
TRAVERSAL = "potential directory traversal"
CLASSES = (
    ("potential sql injection", SQL),
    ("potential xml injection", r"/text\(\)='"),
    ("potential php injection", r"<\?php|php://(?:input|filter)"),
    ("potential ldap injection", r"\(\|\(\w+=\*|\*\)\(\w+="),
    (
        "potential xss injection",
        (
            r"<script[^>]{0,200}>|\balert\(|\b(?:confirm|prompt)\((?:\d|document\.|[^\w]*xss)|"
            r"\bon(?:mouseover|error|focus|load|transitionend)=[^&;\n]+\("
        ),
    ),
    ("potential xxe injection", r"<!entity [%\w]"),
    (
        "potential ssti injection",
        r"\$\{[^{}&]*[*()'\"][^{}&]*\}|\{\{[^{}&]*[*()'\"][^{}&]*\}\}",
    ),
    (
        LEAK,
        (
            r"\bim[es]i=\d{15}|\biccid=[a-z0-9]{18,22}|\b(?:mac(?:address)?|sid)=(?:[0-9a-f]{2}:){5}"
            r"[0-9a-f]{2}|\bsim=\d{20}|(?:[a-z0-9_.+-]+@[a-z0-9.-]+\.[a-z]+\b.{0,100}){4}|"
            r"\b(?:telnum|telcompany)=[a-z0-9-]+"
        ),
    ),
    (
        "config file access",
        (
            r"\.ht(?:access|passwd)\b|\bwp-config\.php|/\.env(?:$|[?. /])|"
            r"/\.git/(?:config|head|index)|"
            r"/\.aws/credentials|/\.ssh/|/\.svn/entries"
        ),
    ),
    ("potential remote code execution", RCE),
    (
        TRAVERSAL,
        (
            r"(?:\.{2,}[/\\]+){3,}|/etc/(?:group|passwd|shadow|issue|hostname|hosts|sudoers)\b|"
            r"[/\\](?:boot|system|win)\.ini\b|[/\\]system32\b|%systemroot%"
        ),
    ),
    (
        "potential web scan",
        (
            r"(?:acunetix|injected_by)_wvs_|somecustominjectedheader|"
            r"some_inexistent_file_with_long_name|testasp\.vulnweb\.com/t/fit\.txt|"
            r"www\.acunetix\.tst|\.bxss\.me|thishouldnotexistandhopefullyitwillnot|"
            r"owasp(?:%\d+| )zap|chr\(122\)\.chr\(97\)\.chr\(112\)|vega-inject|"
            r"vega123|vega\.invalid|"
            r"put-putfile|w00tw00t|muieblackcat|inexistent_file_name\.inexistent|"
            r"test-for-some-inexistent-file|long_inexistent_path|some-inexistent-website\.acu"
        ),
    ),
    (
        "potential dns changer",
        rf"\b(?:{'|'.join(DNS_FIELDS)})=|\bdns\[server[12]\]=",
    ),
    ("non-existent page", r"defaultwebpage\.cgi"),
)
"""Info and pattern, in the order in which they are tried (appendix B)."""
RELATIVE = compiled(r"\.\./(?:images|themes|design|scripts|assets|core|js)/")
"""Paths that pages build relative to themselves are no traversal."""

LITERALS = (
    *words(
        "information_schema sysdatabases sysusers floor(rand( updatexml( extractvalue( varchar("
    ),
    *words("convert( count(*) sleep( benchmark( odbc;driver @@version load_file( group_concat("),
    *words("dbms_pipe. xp_dirtree /text()=' <?php php://input php://filter *)(u *)(c *)(o"),
    *words("<script alert( confirm( prompt( onmouseover= onerror= onfocus= onload="),
    *words("ontransitionend= <!entity imei= imsi= iccid= mac= macaddress= telnum= telcompany="),
    *words(".htaccess .htpasswd wp-config.php /.env /.git/ /.aws/ /.ssh/ /.svn/"),
    *words("$_request[ $_get[ $_post[ xp_cmdshell shell_exec exec_code shell:::{ oscmd( cmd.exe"),
    *words("/bin/sh /bin/bash /sbin/launchd 2>&1 /dev/null allow_url_include auto_prepend_file"),
    *words("ms-msdt: mhtml:ftp: jndi: base64:jhtqbmrp ipconfig nltest netsh getruntime().exec("),
    *words(".execsync( eval-stdin.php call_user_func ../../ ..\\..\\ ..//.. ..\\\\.. ....//"),
    *(f"/etc/{name}" for name in words("group passwd shadow issue hostname hosts sudoers")),
    *words("boot.ini system.ini win.ini system32 %systemroot% _wvs_ somecustominjectedheader"),
    *words("some_inexistent_file vulnweb.com acunetix.tst .bxss.me thishouldnotexist owasp"),
    *words("chr(122).chr( vega-inject vega123 vega.invalid put-putfile w00tw00t muieblackcat"),
    *words("inexistent_file_name inexistent-file long_inexistent_path inexistent-website"),
    *words("defaultwebpage.cgi dns[server domainserverip dsen= dnsen= is_router_as_dns"),
    *(f"{name}=" for name in DNS_FIELDS),
    *(f"sid={digit}" for digit in string.hexdigits[:16]),
    *(f"sim={digit}" for digit in string.digits),
    "order by ",
    "union select",
    "union(select",
    "union (select",
    "union all select",
    "union all(select",
    "union distinct select",
    "case when",
    "waitfor delay",
    "select ",
    "into outfile",
    "into dumpfile",
    "drop table",
    "drop database",
    *(f"{word} {sign}" for word in (" and", " or", "'and", "'or") for sign in "0123456789'\"(-"),
    *(f"{word}{sign}" for word in ("'and", "'or", ")and", ")or", " or") for sign in "'\"("),
    *("ping -", "ping.exe -", "timeout /", "timeout.exe /", "tftp -", "wget ", "wget.exe "),
    *("curl ", "curl.exe ", "sh /tmp/", "touch /tmp/", "cd /tmp", "cat /", "ls /", "chmod "),
    *("base64 -d", "nc -l -p", "-d safe_mode", "net config", "net view", "busybox "),
)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.http_attack: `bodies` looks at what is posted, too."""

    enabled: bool = True
    bodies: bool = True


class Detection:
    """Judges requests that hold a literal of a class."""

    looks_at = "request"
    wanted = Wanted(literals=LITERALS)
    repeat = 0

    def __init__(self, config: Config) -> None:
        self._bodies = config.bodies
        self._patterns = tuple((info, compiled(pattern)) for info, pattern in CLASSES)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for the first class that target or body belongs to."""
        found = self._classify(plain(seen.target), seen, is_target=True)
        if found:
            info, matched = found
            trail = f"{seen.host}({shown(seen.path)})"
            return _finding("URL", info, matched, trail, "http.url", seen)
        if not self._bodies or not seen.body:
            return None
        found = self._classify(plain(seen.body), seen, is_target=False)
        if found is None:
            return None
        info, matched = found
        body = shown(seen.body.decode("utf-8", "backslashreplace").strip())
        trail = rf"{seen.host}({shown(seen.path)} \({seen.method} {body}\))"
        return _finding("HTTP", info, matched, trail, "http.body", seen)

    def _classify(self, text: str, seen: Seen, *, is_target: bool) -> tuple[str, str] | None:
        for info, pattern in self._patterns:
            match = pattern.search(text)
            if match is None:
                continue
            if info == LEAK and not seen.leaves_home:
                continue
            if info == TRAVERSAL and is_target and RELATIVE.search(text):
                continue
            return info, match.group()
        return None


def _finding(kind: str, info: str, matched: str, trail: str, where: str, seen: Seen) -> Finding:
    return Finding(
        type=kind,
        info=f"{info} (suspicious)",
        evidence={"class": info.removeprefix("potential "), "matched": matched[:200]},
        trail=trail,
        indicator=info if where == "http.url" else f"{info} (body)",
        where=where,
        observed=seen.host + seen.path,
        by_source=True,
    )
