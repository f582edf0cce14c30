#!/usr/bin/env bash
# A real Postfix of its own in a directory, on free loopback ports: what the tests of TLS, AUTH and pipelining are held against.
#
#   postfix.sh start DIR [LMTP PORT]   makes DIR, starts, and prints one line:
#                                      pid=N port=N tls_port=N smtps_port=N ca=FILE user=NAME password=TEXT maildir=DIR
#   postfix.sh stop DIR                ends the master by its pid and removes DIR
#
# port: no TLS, no AUTH. tls_port: STARTTLS, AUTH only behind it, and MAIL only after AUTH. smtps_port: the same with TLS from the start.
# The certificate is self-signed (`ca` is it) and names localhost only, so that 127.0.0.1 is a mismatch. Every recipient is delivered to
# one Maildir but baduser@ (550 5.1.1 at RCPT) and policy@ (550 5.7.1 after the dot).
# With LMTP, a port on loopback, everything is delivered there instead, and PORT is the plain port. Then mail to gone@away.example is accepted and
# bounces (5.1.1), and piped@away.example goes through the alias `piped` of DIR/etc/aliases, which the test writes (a texthash: no colon).
# Exit status 77: skipped, because not root or Postfix or SASL is missing.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"

skip() { echo "!! SKIPPED: postfix.sh: $*" >&2; exit 77; }
dir=${2:?usage: postfix.sh start|stop DIR [LMTP PORT]}

stop() {
	pid=$(tr -d ' ' <"$dir/spool/pid/master.pid" 2>/dev/null || true)
	if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = master ]; then
		kill "$pid"
		for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
	fi
	case $dir in /tmp/*) rm -rf "$dir" ;; esac
}

configure() {
	mkdir -p "$dir"/{etc/sasl,spool,data} "$dir"/mail/box/{new,cur,tmp} # there from the start, so that it can be watched
	chmod 755 "$dir" "$dir"/{etc,etc/sasl,spool,mail}
	chown postfix "$dir/data"
	chown -R nobody "$dir/mail"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$dir/etc/key.pem" -out "$dir/etc/cert.pem" 2>/dev/null
	printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s/etc/sasl/sasldb2\nmech_list: PLAIN LOGIN\n' "$dir" >"$dir/etc/sasl/smtpd.conf"
	printf '%s' "$password" | saslpasswd2 -p -c -f "$dir/etc/sasl/sasldb2" -u abv.test sender
	chown postfix "$dir/etc/sasl/sasldb2"
	cat >"$dir/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $dir/spool
		data_directory = $dir/data
		daemon_directory = $(postconf -d -h daemon_directory)
		command_directory = /usr/sbin
		mail_owner = postfix
		setgid_group = postdrop
		maillog_file = $dir/postfix.log
		maillog_file_prefixes = $dir
		myhostname = localhost
		mydestination =
		inet_protocols = ipv4
		virtual_mailbox_domains = static:all
		virtual_mailbox_base = $dir/mail
		virtual_mailbox_maps = static:box/
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
		virtual_minimum_uid = 1
		message_size_limit = 10000000
		smtpd_tls_cert_file = $dir/etc/cert.pem
		smtpd_tls_key_file = $dir/etc/key.pem
		smtpd_tls_session_cache_database =
		smtpd_recipient_restrictions = check_recipient_access inline:{ { baduser@x.example = 550 5.1.1 no such user } }, reject_unauth_destination
		smtpd_end_of_data_restrictions = check_recipient_access inline:{ { policy@x.example = 550 5.7.1 refused by policy } }
		cyrus_sasl_config_path = $dir/etc/sasl
		smtpd_sasl_local_domain = abv.test
		smtpd_peername_lookup = no
	END
	: >"$dir/etc/aliases"
	if [ -n "${4:-}" ]; then
		cat >>"$dir/etc/main.cf" <<-END
			virtual_transport = lmtp:inet:127.0.0.1:$4
			transport_maps = inline:{ { gone@away.example = local: } { piped@away.example = local: } }
			alias_maps = texthash:$dir/etc/aliases
			local_recipient_maps =
			default_privs = nobody
			recipient_delimiter = +
			minimal_backoff_time = 1s
			maximal_backoff_time = 2s
			queue_run_delay = 1s
		END
	fi
	auth="-o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject"
	cat >"$dir/etc/master.cf" <<-END
		127.0.0.1:$1 inet n - n - - smtpd -o smtpd_tls_security_level=none
		127.0.0.1:$2 inet n - n - - smtpd -o smtpd_tls_security_level=may $auth
		127.0.0.1:$3 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes $auth
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		tlsmgr unix - - n 1000? 1 tlsmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		verify unix - - n - 1 verify
		flush unix n - n 1000? 0 flush
		proxymap unix - - n - - proxymap
		smtp unix - - n - - discard
		relay unix - - n - - discard
		lmtp unix - - n - - lmtp
		error unix - - n - - error
		retry unix - - n - - error
		discard unix - - n - - discard
		local unix - n n - - local
		virtual unix - n n - - virtual
		anvil unix - - n - 1 anvil
		scache unix - - n - 1 scache
		postlog unix-dgram n - n - 1 postlogd
	END
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && head -c 3 <&3 | grep -q 220) 2>/dev/null; }

start() {
	[ "$(id -u)" = 0 ] || skip "not root"
	for p in postfix postconf saslpasswd2 openssl python3; do command -v "$p" >/dev/null || skip "no $p"; done
	password="pass+word/=$$"
	read -r port tls smtps < <(python3 -c 'import socket
s=[socket.socket() for _ in range(3)]
for x in s: x.bind(("127.0.0.1",0))
print(*[x.getsockname()[1] for x in s])')
	port=${2:-$port}
	configure "$port" "$tls" "$smtps" "${1:-}"
	postfix -c "$dir/etc" start >"$dir/start.log" 2>&1 || { cat "$dir/start.log" "$dir/postfix.log" >&2; stop; exit 1; }
	for _ in $(seq 200); do answers "$tls" && break; sleep 0.05; done
	echo "pid=$(tr -d ' ' <"$dir/spool/pid/master.pid") port=$port tls_port=$tls smtps_port=$smtps ca=$dir/etc/cert.pem user=sender password=$password maildir=$dir/mail/box"
}

case $1 in
start) start "${3:-}" "${4:-}" ;;
stop) stop ;;
*) echo "usage: postfix.sh start|stop DIR [LMTP PORT]" >&2; exit 2 ;;
esac
