# bash completion for abvctl(1)                                                                        -*- shell-script -*-

_abvctl_options()
{
	case $1 in
	gate) echo "--jsonl" ;;
	classify) echo "--jsonl" ;;
	render) echo "--set --eml --html --text" ;;
	log) echo "--since --contact --sequence --event --follow" ;;
	simulate) echo "--contacts --from --days --seed --reply-rate --bounce-rate --ooo-rate --unsubscribe-rate --enroll --calendar" ;;
	import) echo "--rejects" ;;
	enroll) echo "--contact --tag --all" ;;
	hold) echo "--until --reason" ;;
	suppress) echo "--reason" ;;
	unsuppress) echo "--reason --force" ;;
	queue) echo "--limit" ;;
	doctor) echo "--quick" ;;
	backup) echo "--force" ;;
	test) echo "--to" ;;
	esac
}

_abvctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	local globals="--socket --config --json --help --version"
	local commands="check gate render classify log audit doctor simulate import enroll stop pause resume hold suppress unsuppress forget export show explain
		status queue test config unknown backup deliver"
	local events="daemon_started daemon_stopped config_loaded contact_imported enrolled enroll_refused waiting skipped sent refused
		unknown resolved gate_refused bounced replied auto_replied complained notice receipt challenge unsubscribed suppressed
		unsuppressed held stopped completed forgotten paused resumed"

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket | --config) ((i++)) ;;
		-*) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $prev in
	--socket | --config | --rejects | --contacts) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--event) mapfile -t COMPREPLY < <(compgen -W "$events" -- "$cur"); return ;;
	--set | --since | --contact | --sequence | --tag | --until | --reason | --limit | --to | --from | --days | --seed | --*-rate | --enroll) return ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$globals $(_abvctl_options "$command")" -- "$cur")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
	else
		case $command in
		check | gate | render | classify | log | audit | import | doctor | backup) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		unknown) mapfile -t COMPREPLY < <(compgen -W "list accept resend drop" -- "$cur") ;;
		esac
	fi
}

complete -o filenames -F _abvctl abvctl
