# abvd: `make try` shows it at work, `make test` proves it; each installs what is missing first (make deps).
# make all | test | lint | check-asan | fuzz | bench | install DESTDIR= PREFIX= | clean

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BUILD ?= build
CC ?= gcc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
VERSION := 0.1.0

# The packages of Debian 12 that the build and the tests need; `make deps` installs those that are missing.
DEPS_BUILD := build-essential pkg-config libevent-dev libcurl4-openssl-dev libconfig-dev libcmocka-dev libsqlite3-dev \
	libgmime-3.0-dev libcmark-dev libjansson-dev libpsl-dev libsodium-dev libical-dev libsystemd-dev libcsv-dev tzdata
DEPS_TEST := postfix sasl2-bin libsasl2-modules python3 openssl sqlite3 procps
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
	-Iinclude -I$(BUILD)/gen $(PKG_CFLAGS) $(CFLAGS)
LIBS = $(HARDEN_LD) -Wl,--as-needed $(PKG_LIBS)

# Rooms, lowest level first; an archive each, linked in the opposite order.
ROOMS := base model rules config mime render store check net sender journal web scheduler
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
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/obj/%.o: src/%.c | deps-present
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The schema's numbered files become string constants, in order, with their number: the document is the code.
$(BUILD)/gen/schema.c: $(sort $(wildcard src/store/sql/*.sql)) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "../../src/store/schema_int.h"'; echo 'const struct schema_file store_schema[] = {'; \
	for f in $(sort $(wildcard src/store/sql/*.sql)); do n=$$(basename $$f | cut -c1-4 | sed 's/^0*//'); \
	echo "{ $$n,"; sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $$f; echo '},'; done; \
	echo '{ 0, 0 } };'; } > $@
$(BUILD)/obj/store/schema.o: $(BUILD)/gen/schema.c src/store/schema_int.h | deps-present
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wpedantic,$(ALL_CFLAGS)) -Wno-overlength-strings -I. -c -o $@ $<

DAEMON_OBJ := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/daemon/*.c))
CTL_OBJ := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/ctl/*.c))
$(BUILD)/abvd: $(DAEMON_OBJ) $(LIBROOMS)
	$(CC) $(CFLAGS) -o $@ $(DAEMON_OBJ) $(call rev,$(LIBROOMS)) $(LIBS)
$(BUILD)/abvctl: $(CTL_OBJ) $(LIBROOMS)
	$(CC) $(CFLAGS) -o $@ $(CTL_OBJ) $(call rev,$(LIBROOMS)) $(LIBS)

# ---- tests. The first line of a unit test names the rooms it links: /* rooms: base rules */
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FAKES := $(patsubst tests/fake/%.c,$(BUILD)/tests/%,$(wildcard tests/fake/*.c))
rooms_of = $(shell sed -n '1s/.*rooms: *\([a-z ]*[a-z]\).*/\1/p' $(1))
define unit_rule
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/unit/$(1).o $(foreach r,$(call rooms_of,tests/unit/$(1).c),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) -o $$@ $$< $(foreach r,$(call rev,$(ROOMS)),$(if $(filter $(r),$(call rooms_of,tests/unit/$(1).c)),$(call room_lib,$(r)))) $(LIBS) $(CMOCKA_LIBS)
endef
$(foreach t,$(notdir $(UNIT)),$(eval $(call unit_rule,$(t))))
$(BUILD)/obj/tests/%.o: tests/%.c | deps-present
	@mkdir -p $(@D)
	$(CC) $(filter-out -Wmissing-prototypes,$(ALL_CFLAGS)) -DTEST_DATA='"$(CURDIR)/tests/data"' -DTEST_BUILD='"$(CURDIR)/$(BUILD)"' -MMD -MP -c -o $@ $<
$(FAKES): $(BUILD)/tests/%: $(BUILD)/obj/tests/fake/%.o $(call room_lib,base)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -o $@ $< $(call room_lib,base) $(LIBS)

.PHONY: unit
unit: $(UNIT) $(FAKES)
	@fail=0; for t in $(UNIT); do echo "== $$t"; $$t || fail=1; done; exit $$fail

.PHONY: deps deps-present
deps-present:
	@$(PKG_CONFIG) --exists $(PKGS) cmocka 2>/dev/null || { echo 'packages are missing: run `make deps` (it installs them with apt)' >&2; exit 1; }

.PHONY: clean
clean:
	rm -rf build build-asan build-fuzz

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
