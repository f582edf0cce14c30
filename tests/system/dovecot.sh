#!/usr/bin/env bash
# A real Dovecot of its own in a directory, on free loopback ports: IMAP with IDLE, LMTP into the same mailboxes, Sieve where installed.
#
#   dovecot.sh start DIR [RELAY]   makes DIR, starts, and prints one line:
#                                  pid=N port=N tls_port=N lmtp_port=N ca=FILE user=NAME password=TEXT maildir=DIR
#                                  RELAY (127.0.0.1:PORT) takes what Sieve sends: vacation, redirect
#   dovecot.sh restart DIR         ends it and starts it again, on the same ports and mailboxes
#   dovecot.sh stop DIR            ends the master by its pid and removes DIR
#
# port: plain, and STARTTLS; tls_port: TLS from the start. The certificate is self-signed (`ca` is it) and names localhost only, so that
# 127.0.0.1 is a mismatch. LMTP takes every address whose local part, without +detail, is a user: `user`, or any other name, all with the
# same password; each has a Maildir of its own in DIR/mail/NAME and a Sieve script DIR/sieve/NAME.sieve.
# As root, or as whom the test runs. Exit status 77: skipped, because Dovecot or openssl is missing.
set -eu
export PATH="$PATH:/usr/sbin:/sbin"

skip() { echo "!! SKIPPED: dovecot.sh: $*" >&2; exit 77; }
dir=${2:?usage: dovecot.sh start|restart|stop DIR}

end() {
	pid=$(cat "$dir/run/master.pid" 2>/dev/null || true)
	if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dovecot ]; then
		kill "$pid"
		for _ in $(seq 200); do kill -0 "$pid" 2>/dev/null || break; sleep 0.02; done
	fi
}

configure() { # IMAP, IMAPS and LMTP ports, relay
	mkdir -p "$dir"/{run,mail,sieve,state}
	chmod 755 "$dir" "$dir"/{run,mail,sieve}
	if [ "$(id -u)" = 0 ]; then
		mailer=nobody internal=dovecot login=dovenull
		group=$(id -gn nobody)
		chown -R nobody "$dir/mail" "$dir/sieve"
	else
		mailer=$(id -un) internal=$(id -un) login=$(id -un)
		group=$(id -gn)
	fi
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
	chmod 644 "$dir/cert.pem"
	sieve='' sieve_settings=''
	if ls /usr/lib/dovecot/modules/lib90_sieve_plugin.so >/dev/null 2>&1; then
		sieve='mail_plugins = sieve'
		sieve_settings="sieve = file:$dir/sieve/%n.sieve;bindir=$dir/sieve/%n.bin
			sieve_extensions = +editheader
			sieve_vacation_min_period = 0
			sieve_user_log = $dir/sieve/%n.log"
	fi
	cat >"$dir/dovecot.conf" <<-END
		base_dir = $dir/run
		state_dir = $dir/state
		instance_name = abv-test-$$
		log_path = $dir/dovecot.log
		protocols = imap lmtp
		listen = 127.0.0.1
		default_internal_user = $internal
		default_internal_group = $(id -gn "$internal")
		default_login_user = $login
		mail_uid = $mailer
		mail_gid = $group
		first_valid_uid = 1
		first_valid_gid = 1
		mail_home = $dir/mail/%n
		mail_location = maildir:$dir/mail/%n
		mail_fsync = never
		auth_mechanisms = plain login
		auth_username_format = %n
		disable_plaintext_auth = no
		auth_failure_delay = 0
		recipient_delimiter = +
		submission_host = $4
		ssl = yes
		ssl_cert = <$dir/cert.pem
		ssl_key = <$dir/key.pem
		passdb {
		  driver = static
		  args = password=$password
		}
		userdb {
		  driver = static
		  args = uid=$mailer gid=$group home=$dir/mail/%n allow_all_users=yes
		}
		service imap-login {
		  chroot =
		  inet_listener imap {
		    port = $1
		  }
		  inet_listener imaps {
		    port = $2
		  }
		}
		service lmtp {
		  inet_listener lmtp {
		    port = $3
		  }
		}
		service anvil {
		  chroot =
		  unix_listener anvil-auth-penalty {
		    mode = 0
		  }
		}
		service stats {
		  chroot =
		}
		service imap-hibernate {
		  chroot =
		}
		protocol lmtp {
		  $sieve
		}
		plugin {
		  $sieve_settings
		}
		namespace inbox {
		  inbox = yes
		  mailbox Done {
		    auto = create
		  }
		}
	END
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && head -c 4 <&3 | grep -q "$2") 2>/dev/null; }

run() { # the ports that were chosen
	dovecot -c "$dir/dovecot.conf" >"$dir/start.log" 2>&1 || { cat "$dir/start.log" "$dir/dovecot.log" >&2; exit 1; }
	for _ in $(seq 200); do answers "$1" '[*] OK' && answers "$2" 220 && return; sleep 0.02; done
	cat "$dir/dovecot.log" >&2
	exit 1
}

start() {
	for p in dovecot openssl python3; do command -v "$p" >/dev/null || skip "no $p"; done
	[ -e /usr/lib/dovecot/lmtp ] || skip "no dovecot-lmtpd"
	[ -e /usr/lib/dovecot/imap ] || skip "no dovecot-imapd"
	password="pass+word/=$$"
	read -r port tls lmtp < <(python3 -c 'import socket
s=[socket.socket() for _ in range(3)]
for x in s: x.bind(("127.0.0.1",0))
print(*[x.getsockname()[1] for x in s])')
	configure "$port" "$tls" "$lmtp" "$1"
	echo "$port $lmtp" >"$dir/ports"
	run "$port" "$lmtp"
	echo "pid=$(cat "$dir/run/master.pid") port=$port tls_port=$tls lmtp_port=$lmtp ca=$dir/cert.pem user=dana password=$password maildir=$dir/mail/dana"
}

case $1 in
start) start "${3:-}" ;;
restart) end; run $(cat "$dir/ports") ;;
stop)
	end
	case $dir in /tmp/*) rm -rf "$dir" ;; esac ;;
*) echo "usage: dovecot.sh start|restart|stop DIR" >&2; exit 2 ;;
esac
