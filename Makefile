# abvd: `make try` shows it at work, `make test` proves it; each installs what is missing first (make deps).
# make all | test | crash | lint | check-asan | soak | soak-asan | fuzz | mutate | bench | bench-scale | eval-gate | eval-inbox | eval-mime | eval-reply |
# install DESTDIR= PREFIX= | clean

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
VERSION := 0.1.0

# The packages of Debian 12 that the build and the tests need; `make deps` installs those that are missing.
DEPS_BUILD := build-essential pkg-config libevent-dev libcurl4-openssl-dev libconfig-dev libcmocka-dev libsqlite3-dev \
	libgmime-3.0-dev libcmark-dev libjansson-dev libpsl-dev libsodium-dev libical-dev libsystemd-dev libcsv-dev tzdata
DEPS_TEST := postfix dovecot-imapd dovecot-lmtpd dovecot-sieve sasl2-bin libsasl2-modules python3 openssl sqlite3 procps
DEPS_BENCH := nodejs node-nodemailer
DEPS_CI := clang clang-tidy clang-format libclang-rt-14-dev cppcheck mandoc valgrind git

PKGS := libevent libcurl libconfig sqlite3 gmime-3.0 libcmark jansson libpsl libsodium libical libsystemd
WARN := -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

ifeq ($(BUILD),build-asan)
HARDEN := -fPIE $(SAN)
HARDEN_LD := -pie $(SAN)
CFLAGS := -O1 -g
endif

PKG_CFLAGS := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null))
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lcsv -lm
CMOCKA_LIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)
ALL_CFLAGS = $(WARN) $(HARDEN) -D_GNU_SOURCE -DABV_VERSION='"$(VERSION)"' -DABV_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-Iinclude $(PKG_CFLAGS) $(CFLAGS)
LIBS = $(HARDEN_LD) -Wl,--as-needed $(PKG_LIBS)

# Rooms, lowest level first; an archive each, linked in the opposite order.
ROOMS := base model rules config mime render store check audit net sender inbox journal web scheduler simulate replay
room_src = $(filter-out %_main.c,$(wildcard src/$(1)/*.c))
room_lib = $(BUILD)/lib/$(1).a
LIBROOMS := $(foreach r,$(ROOMS),$(call room_lib,$(r)))
rev = $(if $(1),$(call rev,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))

.PHONY: all
all: $(BUILD)/abvd $(BUILD)/abvctl

define room_rule
$(call room_lib,$(1)): $(patsubst src/%.c,$(BUILD)/obj/%.o,$(call room_src,$(1))) $(extra_$(1))
	@mkdir -p $$(@D); rm -f $$@; ar rcs $$@ $$(filter %.o,$$^)
endef
extra_store = $(BUILD)/obj/store/schema.o
extra_rules = $(BUILD)/obj/rules/gate_language.o $(BUILD)/obj/rules/gate_lexicon.o
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/obj/%.o: src/%.c | deps-present
	@mkdir -p $(@D)
	@echo '  CC $<'; $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What is compiled in of the command line: another SYSCONFDIR at `make install` must not keep the first one's programs.
$(BUILD)/compiled-in: FORCE
	@mkdir -p $(@D); echo '$(SYSCONFDIR) $(VERSION)' | cmp -s - $@ || echo '$(SYSCONFDIR) $(VERSION)' > $@
$(patsubst src/%.c,$(BUILD)/obj/%.o,$(shell grep -l 'ABV_SYSCONFDIR\|ABV_VERSION' src/*/*.c)): $(BUILD)/compiled-in
.PHONY: FORCE
FORCE:

# The schema's numbered files become string constants, in order, with their number: the document is the code.
$(BUILD)/gen/schema.c: $(sort $(wildcard src/store/sql/*.sql)) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "src/store/schema_int.h"'; echo 'const struct schema_file store_schema[] = {'; \
	for f in $(sort $(wildcard src/store/sql/*.sql)); do n=$$(basename $$f | cut -c1-4 | sed 's/^0*//'); \
	echo "{ $$n,"; sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $$f; echo '},'; done; \
	echo '{ 0, 0 } };'; } > $@
$(BUILD)/obj/store/schema.o: $(BUILD)/gen/schema.c src/store/schema_int.h | deps-present
	@mkdir -p $(@D)
	@echo '  CC $<'; $(CC) $(filter-out -Wpedantic,$(ALL_CFLAGS)) -Wno-overlength-strings -I. -c -o $@ $<

# The gate's words and phrases, a directory for each language, become tables.
GATE_LANGUAGES := src/rules/gate/en
$(BUILD)/gen/gate_language.c: src/rules/gate/tables.sh $(wildcard $(GATE_LANGUAGES:=/*.txt))
	@mkdir -p $(@D)
	@sh src/rules/gate/tables.sh $(GATE_LANGUAGES) > $@.new && mv $@.new $@
$(BUILD)/obj/rules/gate_language.o: $(BUILD)/gen/gate_language.c src/rules/gate_int.h include/abv/gate.h | deps-present
	@mkdir -p $(@D)
	@echo '  CC $<'; $(CC) $(ALL_CFLAGS) -I. -c -o $@ $<

# The gate's word classes, sorted by word.
$(BUILD)/gen/gate_lexicon.c: src/rules/gate_lexicon.en src/rules/gate_lexicon.awk
	@mkdir -p $(@D)
	@{ echo '#include "src/rules/gate_features.h"'; echo 'const struct gate_lexeme gate_lexicon[] = {'; \
	awk -f src/rules/gate_lexicon.awk $< | LC_ALL=C sort | awk -F '\t' '{ printf "{ \"%s\", %s },\n", $$1, $$2 }'; \
	echo '}; const size_t gate_lexicon_n = sizeof gate_lexicon / sizeof gate_lexicon[0];'; } > $@
$(BUILD)/obj/rules/gate_lexicon.o: $(BUILD)/gen/gate_lexicon.c src/rules/gate_features.h src/rules/gate_int.h | deps-present
	@mkdir -p $(@D)
	@echo '  CC $<'; $(CC) $(ALL_CFLAGS) -I. -c -o $@ $<

DAEMON_OBJ := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/daemon/*.c))
CTL_OBJ := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/ctl/*.c))
$(BUILD)/abvd: $(DAEMON_OBJ) $(LIBROOMS)
	@echo '  LD $@'; $(CC) $(CFLAGS) -o $@ $(DAEMON_OBJ) $(call rev,$(LIBROOMS)) $(LIBS)
$(BUILD)/abvctl: $(CTL_OBJ) $(LIBROOMS)
	@echo '  LD $@'; $(CC) $(CFLAGS) -o $@ $(CTL_OBJ) $(call rev,$(LIBROOMS)) $(LIBS)

# ---- tests. The first line of a unit test names the rooms it links: /* rooms: base rules */
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FAKES := $(patsubst tests/fake/%.c,$(BUILD)/tests/%,$(filter-out tests/fake/plug.c tests/fake/disk.c,$(wildcard tests/fake/*.c)))
# For LD_PRELOAD: a plug that is pulled, and a disk that fails on demand.
PRELOADS := $(BUILD)/tests/plug.so $(BUILD)/tests/disk.so
rooms_of = $(shell sed -n '1s/.*rooms: *\([a-z ]*[a-z]\).*/\1/p' $(1))
define unit_rule
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/unit/$(1).o $(foreach r,$(call rooms_of,tests/unit/$(1).c),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	@echo '  LD $$@'; $(CC) $(CFLAGS) -o $$@ $$< $(foreach r,$(call rev,$(ROOMS)),$(if $(filter $(r),$(call rooms_of,tests/unit/$(1).c)),$(call room_lib,$(r)))) $(LIBS) $(CMOCKA_LIBS)
endef
$(foreach t,$(notdir $(UNIT)),$(eval $(call unit_rule,$(t))))
$(BUILD)/obj/tests/%.o: tests/%.c | deps-present
	@mkdir -p $(@D)
	@echo '  CC $<'; $(CC) $(filter-out -Wmissing-prototypes,$(ALL_CFLAGS)) -Wno-format-truncation -Wno-unknown-warning-option -DTEST_DATA='"$(CURDIR)/tests/data"' -DTEST_BUILD='"$(CURDIR)/$(BUILD)"' -MMD -MP -c -o $@ $<
$(FAKES): $(BUILD)/tests/%: $(BUILD)/obj/tests/fake/%.o $(call room_lib,base)
	@mkdir -p $(@D)
	@echo '  LD $@'; $(CC) $(CFLAGS) -o $@ $< $(call room_lib,base) $(LIBS)
# Preloaded into abvd as it is: no sanitizer of its own, and nothing that would put other names in front of what it stands in for.
$(PRELOADS): $(BUILD)/tests/%.so: tests/fake/%.c $(wildcard tests/fake/*.h)
	@mkdir -p $(@D)
	@echo '  LD $@'; $(CC) $(WARN) -Wno-missing-prototypes -D_GNU_SOURCE -O2 -g -fno-builtin -fPIC -shared -o $@ $< -ldl

.PHONY: unit
unit: $(UNIT) $(FAKES) $(PRELOADS)
	@fail=0; for t in $(UNIT); do echo "== $$t"; $$t || fail=1; done; exit $$fail

# ---- eval: how right reply text, return dates and unsubscribe requests are, on other projects' cases (ABV_CORPORA: their folder)
.PHONY: eval-reply
$(BUILD)/tests/reply_driver: $(BUILD)/obj/tests/inbox/reply_driver.o $(foreach r,$(call rooms_of,tests/inbox/reply_driver.c),$(call room_lib,$(r)))
	@mkdir -p $(@D)
	@echo '  LD $@'; $(CC) $(CFLAGS) -o $@ $< $(foreach r,$(call rev,$(ROOMS)),$(if $(filter $(r),$(call rooms_of,tests/inbox/reply_driver.c)),$(call room_lib,$(r)))) $(LIBS)
eval-reply: $(BUILD)/tests/reply_driver
	@python3 tests/inbox/eval_reply.py $(BUILD)

# ---- fuzzing: libFuzzer, ASan and UBSan; FUZZ_TIME seconds each. Corpora are kept in build-fuzz/corpus.
FUZZ_TIME ?= 60
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
.PHONY: fuzz $(addprefix run-,$(FUZZ))
ifeq ($(BUILD),build-fuzz)
define fuzz_rule
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/fuzz/$(1).o $(foreach r,$(call rooms_of,tests/fuzz/$(1).c),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	@echo '  LD $$@'; $(CC) -g -fsanitize=fuzzer,address,undefined -o $$@ $$< $(foreach r,$(call rev,$(ROOMS)),$(if $(filter $(r),$(call rooms_of,tests/fuzz/$(1).c)),$(call room_lib,$(r)))) -Wl,--as-needed $(PKG_LIBS)
run-$(1): $(BUILD)/tests/$(1)
	@mkdir -p $(BUILD)/corpus/$(1) $(BUILD)/tmp
	@echo "== $(1), $(FUZZ_TIME) s"
	@cd $(BUILD)/tmp && ../tests/$(1) -max_total_time=$(FUZZ_TIME) -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 ../corpus/$(1) $(addprefix $(CURDIR)/,$(wildcard tests/data/fuzz/$(1)))
endef
$(foreach f,$(FUZZ),$(eval $(call fuzz_rule,$(f))))
fuzz: $(addprefix run-,$(FUZZ))
else
fuzz:
	$(MAKE) BUILD=build-fuzz CC=clang HARDEN='-fPIE $(FUZZ_SAN)' CFLAGS='-O1 -g' FUZZ_TIME=$(FUZZ_TIME) fuzz
endif

# ---- test: unit tests, the house's own checks of its documents, then whole programs against real servers
.PHONY: test system docs try
test: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all $(UNIT) $(FAKES) $(PRELOADS)
	@$(MAKE) --no-print-directory unit docs system
docs: $(BUILD)/abvd $(BUILD)/abvctl $(BUILD)/tests/test_config $(BUILD)/tests/test_gate
	@fail=0; for t in $(wildcard tests/docs*.sh); do sh $$t $(BUILD) || fail=1; done; exit $$fail
system: $(BUILD)/abvd $(BUILD)/abvctl $(FAKES) $(PRELOADS)
	@tests/system/run $(BUILD)
# Many more deaths than `test` has, with another history each time: ABV_SEED=N repeats one.
.PHONY: crash
CRASHES ?= 3000
crash: $(BUILD)/abvd $(BUILD)/abvctl $(FAKES) $(PRELOADS)
	@ABV_CRASHES=$(CRASHES) ABV_SEED=$${ABV_SEED:-$$(date +%s)} python3 tests/system/test_crash.py $(BUILD)
try: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all $(FAKES)
	@python3 tests/try/try.py $(BUILD)

.PHONY: check-asan
# They wait for seconds and measure CPU, and what they have abvd parse is parsed by unit tests and fuzz targets too.
ASAN_LEFT_OUT := "test_relay_faults.py test_disk.py"
check-asan:
	$(MAKE) BUILD=build-asan all unit
	@ABV_SLOW=1 ABV_SKIP=$(ASAN_LEFT_OUT) tests/system/run build-asan

# ---- soak: a simulated year in 26 minutes, with faults at random (SOAK_DAYS, SOAK_SCALE, SOAK_SEED); a shorter stretch under ASan and UBSan
.PHONY: soak soak-asan
soak: all $(FAKES)
	@python3 tests/system/soak.py $(BUILD)
soak-asan:
	$(MAKE) BUILD=build-asan all build-asan/tests/fake_smtp
	@ABV_SLOW=1 SOAK_DAYS=$${SOAK_DAYS:-30} python3 tests/system/soak.py build-asan

# ---- lint
LINT_SRC = $(wildcard src/*/*.c tests/unit/*.c tests/fake/*.c tests/fuzz/*.c tests/bench/*.c tests/inbox/*.c)
.PHONY: lint lint-tidy
lint: all
	sh tests/layers.sh
	$(MAKE) docs
	cppcheck --quiet --enable=warning,portability,performance --std=c17 --inline-suppr --error-exitcode=1 \
		--suppress=normalCheckLevelMaxBranches --suppress=missingIncludeSystem $(addprefix --include=,$(firstword $(wildcard /usr/include/*/sys/queue.h /usr/include/sys/queue.h))) -Iinclude -D_GNU_SOURCE -DABV_VERSION='"0"' -DABV_SYSCONFDIR='"/etc"' \
		-j 2 $(wildcard src/*/*.c tests/fake/*.c)
	mandoc -T lint -W warning $(wildcard src/*/*.[1-8])
	$(MAKE) BUILD=build-clang CC=clang all
	$(MAKE) lint-tidy
lint-tidy: $(patsubst src/%.c,$(BUILD)/tidy/%.ok,$(wildcard src/*/*.c))
$(BUILD)/tidy/%.ok: src/%.c .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- -std=c17 -D_GNU_SOURCE -DABV_VERSION='"0"' -DABV_SYSCONFDIR='"/etc"' -Iinclude $(PKG_CFLAGS) 2>/dev/null
	@touch $@

# ---- mutate: does a test notice when the governor is changed? Not in `test`: it takes some minutes (tests/mutate/SURVIVORS.md)
.PHONY: mutate
mutate: $(LIBROOMS)
	@python3 tests/mutate/mutate.py $(BUILD)

# ---- bench: ratios within one run (tests/bench/bench.py)
.PHONY: bench
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))
define bench_rule
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/bench/$(1).o $(foreach r,$(call rooms_of,tests/bench/$(1).c),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	@echo '  LD $$@'; $(CC) $(CFLAGS) -o $$@ $$< $(foreach r,$(call rev,$(ROOMS)),$(if $(filter $(r),$(call rooms_of,tests/bench/$(1).c)),$(call room_lib,$(r)))) $(LIBS)
endef
$(foreach b,$(notdir $(BENCH)),$(eval $(call bench_rule,$(b))))
bench: all $(BENCH)
	@$(MAKE) --no-print-directory deps-bench || echo 'bench: goes on without what could not be installed'
	@python3 tests/bench/bench.py $(BUILD)

# What it costs as the store grows to ten million contacts: a table and a plot in build/scale/.
.PHONY: bench-scale
bench-scale: all $(BENCH)
	@python3 tests/bench/scale.py $(BUILD)

# ---- the gate's model: trained and measured on a collection of labelled letters, when there is one
GATE_CORPUS ?= ../shared/corpora/gate/train.jsonl
GATE_TOOLS := $(BUILD)/tests/gate_train $(BUILD)/tests/gate_eval
$(GATE_TOOLS): $(BUILD)/tests/%: $(BUILD)/obj/tests/gate/%.o $(BUILD)/obj/tests/gate/gate_corpus.o \
		$(BUILD)/obj/tests/gate/gate_fit.o $(foreach r,rules model base,$(call room_lib,$(r)))
	@mkdir -p $(@D)
	@echo '  LD $@'; $(CC) $(CFLAGS) -o $@ $^ $(LIBS)
.PHONY: eval-gate
eval-gate: $(BUILD)/tests/gate_eval
	@$(BUILD)/tests/gate_eval $(GATE_CORPUS)

# ---- eval: received mail that others collected, parsed and classified; skipped where the collections are not there.
.PHONY: eval-inbox eval-mime
INBOX_CORPUS ?= ../shared/corpora/inbound
MIME_CORPUS ?= ../shared/corpora/mime
$(BUILD)/tests/mime_dump: $(BUILD)/obj/tests/inbox/mime_dump.o $(foreach r,$(call rooms_of,tests/inbox/mime_dump.c),$(call room_lib,$(r)))
	@mkdir -p $(@D)
	@echo '  LD $@'; $(CC) $(CFLAGS) -o $@ $< $(call room_lib,mime) $(call room_lib,model) $(call room_lib,base) $(LIBS)
eval-inbox: $(BUILD)/abvctl
	@python3 tests/inbox/eval.py $(BUILD) $(INBOX_CORPUS)
eval-mime: $(BUILD)/tests/mime_dump
	@python3 tests/inbox/eval_mime.py $(BUILD) $(MIME_CORPUS)

# ---- install
.PHONY: install uninstall
MANDIR = $(DESTDIR)$(PREFIX)/share/man
SUBST = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(MANDIR)/man1 $(MANDIR)/man5 $(MANDIR)/man7 $(MANDIR)/man8
	install -m 755 $(BUILD)/abvd $(DESTDIR)$(PREFIX)/sbin/abvd
	install -m 755 $(BUILD)/abvctl $(DESTDIR)$(PREFIX)/bin/abvctl
	install -m 644 src/ctl/abvctl.1 $(MANDIR)/man1/
	install -m 644 src/daemon/abvd.conf.5 $(MANDIR)/man5/
	install -m 644 src/rules/abvd-gate.7 $(MANDIR)/man7/
	install -m 644 src/daemon/abvd.8 $(MANDIR)/man8/
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	$(SUBST) systemd/abvd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/abvd.service
	install -m 644 systemd/abvd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/abvd.conf
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 etc/completion/abvctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/abvctl
	install -m 644 etc/completion/_abvctl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_abvctl
	install -d $(DESTDIR)$(SYSCONFDIR)/abvd/sequences.d $(DESTDIR)$(SYSCONFDIR)/abvd/templates $(DESTDIR)$(SYSCONFDIR)/logrotate.d
	@# Configuration that is there already is the administrator's: it stays.
	@for f in etc/abvd.conf:abvd.conf etc/sequences.d/getting-started.conf:sequences.d/getting-started.conf \
		$(foreach t,$(notdir $(wildcard templates/*)),templates/$(t):templates/$(t)); do \
		to=$(DESTDIR)$(SYSCONFDIR)/abvd/$${f#*:}; \
		if [ -e "$$to" ]; then echo "kept $$to"; else install -m 644 "$${f%%:*}" "$$to" && echo "installed $$to"; fi; done
	@[ -e $(DESTDIR)$(SYSCONFDIR)/logrotate.d/abvd ] || install -m 644 etc/logrotate.d/abvd $(DESTDIR)$(SYSCONFDIR)/logrotate.d/abvd
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/abvd $(DESTDIR)$(PREFIX)/bin/abvctl $(MANDIR)/man1/abvctl.1 $(MANDIR)/man5/abvd.conf.5 \
		$(MANDIR)/man7/abvd-gate.7 $(MANDIR)/man8/abvd.8 \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/abvd.service $(DESTDIR)$(PREFIX)/lib/sysusers.d/abvd.conf \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/abvctl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_abvctl

# ---- deps: says what it does; nothing when nothing is missing. A busy apt is waited for, 5 minutes; the option does not hold for `update`.
.PHONY: deps deps-bench deps-ci
SUDO = $(if $(filter 0,$(shell id -u)),,sudo)
define apt_missing
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || printf '%s ' $$p; done); \
	if [ -n "$$missing" ]; then echo "make deps: installing with apt: $$missing"; \
		n=0; until said=$$($(SUDO) env LC_ALL=C apt-get update -qq 2>&1); do \
			case $$said in *'not get lock'*) [ $$n -lt 60 ] ;; *) false ;; esac || { printf '%s\n' "$$said" >&2; exit 1; }; \
			n=$$((n + 1)); sleep 5; done; \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $$missing >/dev/null || exit 1; \
	fi
endef
deps:
	$(call apt_missing,$(DEPS_BUILD) $(DEPS_TEST))
deps-bench:
	$(call apt_missing,$(DEPS_BENCH))
deps-ci: deps
	$(call apt_missing,$(DEPS_CI))

.PHONY: deps-present
deps-present:
	@$(PKG_CONFIG) --exists $(PKGS) cmocka 2>/dev/null || { echo 'packages are missing: run `make deps` (it installs them with apt)' >&2; exit 1; }

.PHONY: clean
clean:
	rm -rf build build-asan build-fuzz build-clang

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
