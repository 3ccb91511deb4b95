# Tunic. Targets: all check check-unit check-net check-asan check-tsan fuzz bench lint layers format install
# uninstall clean. Useful variables: CC, BUILD (output folder), DESTDIR, PREFIX, FUZZ_SECONDS.

BUILD   ?= build
V       ?= 0
Q = $(if $(filter 1,$(V)),,@)
say = @printf '  %-5s %s\n' $(1) $(2)
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

PKGS := libssl libcrypto libsodium libevent_core zlib libzstd liblzma
# Of the program alone, not of the library: of its client, and of all of it.
CLIENT_PKGS := jansson libseccomp
APP_PKGS := $(CLIENT_PKGS) inih libevent_extra ncursesw

WARN := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wcast-align -Wundef -Wformat=2 -Wpointer-arith -Werror
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2
OPT    ?= -O2 -g
SAN    ?=
CPPFLAGS_ALL = -Isrc -Iinclude -D_GNU_SOURCE -DTUNIC_VERSION='"$(VERSION)"' \
               $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL = -std=c11 -fPIC $(OPT) $(WARN) $(if $(SAN),,$(HARDEN)) -fvisibility=hidden $(SAN) $(CFLAGS)
LDFLAGS_ALL = $(if $(SAN),,-Wl,-z,relro,-z,now) $(SAN) $(LDFLAGS)
# Relocations take a tenth of the room. A linker that does not know it says so and goes on.
PACKED := -Wl,-z,pack-relative-relocs
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(APP_PKGS))
LIBS := $(shell pkg-config --libs $(PKGS)) -lm
CLIENT_LIBS := $(shell pkg-config --libs $(CLIENT_PKGS)) $(LIBS)
APP_LIBS := $(shell pkg-config --libs $(APP_PKGS)) $(LIBS)
CHECK_LIBS := $(shell pkg-config --silence-errors --libs check)
CHECK_CFLAGS := $(shell pkg-config --silence-errors --cflags check)

LAYERS := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' src/LAYERS)
layer_src = $(sort $(wildcard src/$(1)/*.c src/$(1)/*/*.c))
layer_obj = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(call layer_src,$(1)))
# What only the program needs, from the top down; all other layers are the library.
APP_LAYERS := app measure check docs testbed faults testnet forge dirdoc monitor
# Layers from the top down, for linking one layer's tests with nothing above it.
layers_upto = $(shell sed -n 's/^\([a-z]*\):.*/\1/p' src/LAYERS | sed '/^$(1)$$/q' | tac)

LIB_SRC := $(foreach l,$(filter-out $(APP_LAYERS),$(LAYERS)),$(call layer_src,$(l)))
LIB_OBJ := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(LIB_SRC))
APP_ARCHIVES := $(foreach l,$(APP_LAYERS),$(BUILD)/layer/$(l).a)

TEST_SRC := $(sort $(wildcard $(foreach l,$(LAYERS),tests/$(l)/test_*.c)))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_REPLAYS := $(patsubst tests/fuzz/%.c,$(BUILD)/replay/%,$(FUZZ_SRC))
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

.PHONY: all check check-unit check-net check-asan check-tsan check-planted sim fuzz fuzz-targets bench lint lint-options layers format format-check \
        install uninstall clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/tunic $(BUILD)/libexec/tunic-tools $(BUILD)/public/libtunic.a $(BUILD)/libtunic.so $(BUILD)/tunic.pc $(BUILD)/man3/tunic.3

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/libtunic.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

# For programs outside: one object in which all that is hidden is local, so that no name of ours meets
# one of theirs.
OBJCOPY ?= objcopy
$(BUILD)/public/libtunic.a: $(LIB_OBJ)
	@mkdir -p $(@D) && rm -f $@
	$(call say,AR,$@)
	$(Q)$(LD) -r -o $(@D)/libtunic.o $(LIB_OBJ)
	$(Q)$(OBJCOPY) --localize-hidden $(@D)/libtunic.o
	$(Q)$(AR) rcs $@ $(@D)/libtunic.o

$(BUILD)/libtunic.so: $(LIB_OBJ) src/lib/libtunic.map
	$(call say,CC,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(PACKED) -shared -Wl,-soname,libtunic.so.0 -Wl,--version-script=src/lib/libtunic.map -o $@ $(LIB_OBJ) $(LIBS)

# The client, and what "tunic NAME ..." becomes (app/tools.c).
PROGRAM_LD = $(CC) $(LDFLAGS_ALL) $(PACKED) -pie -o $@ $(filter %.o,$^) \
             -Wl,--start-group $(APP_ARCHIVES) $(BUILD)/libtunic.a -Wl,--end-group
$(BUILD)/tunic: $(BUILD)/obj/app/main.o $(APP_ARCHIVES) $(BUILD)/libtunic.a
	$(call say,CC,$@)
	$(Q)$(PROGRAM_LD) $(CLIENT_LIBS)

$(BUILD)/libexec/tunic-tools: $(BUILD)/obj/app/tools.o $(APP_ARCHIVES) $(BUILD)/libtunic.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(PROGRAM_LD) $(APP_LIBS)

$(BUILD)/tunic.pc: tunic.pc.in Makefile
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(BUILD)/man3/tunic.3: tools/man3 include/tunic/*.h
	$(call say,MAN,$(@D))
	$(Q)rm -rf $(@D) && tools/man3 $(VERSION) $(@D) include/tunic/*.h

# One archive a layer: a layer's tests link that layer and those below it, nothing else. (q: folders
# of a layer may have files of one name.)
$(foreach l,$(LAYERS),$(eval $(BUILD)/layer/$(l).a: $(call layer_obj,$(l))))
$(BUILD)/layer/%.a: src/LAYERS
	@mkdir -p $(@D) && rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) qcs $@ $(filter %.o,$^)

# Of the tests' own objects, but the simulator's, which has much to do: to be compiled is most of what
# they take, a third of it so.
TEST_CFLAGS ?= -O0 -U_FORTIFY_SOURCE
# Tests are many programs: a quick linker, where there is one.
TEST_LD := $(if $(shell command -v ld.gold),-fuse-ld=gold)

$(BUILD)/tests/%.o: tests/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) $(if $(filter $(BUILD)/tests/sim/%,$@),,$(TEST_CFLAGS)) \
	    $(CHECK_CFLAGS) -MMD -MP -c $< -o $@

SUPPORT_OBJ := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/support/*.c))

# Those in which memory runs out: support/nomem.h.
NOMEM_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/*/test_nomem_*.c))
NOMEM_WRAP := $(foreach f,malloc calloc realloc free strdup strndup scandir scandirat json_loadb,-Wl,--wrap=$(f))
# Keys that a program's tests had before are not searched for again: all but the cryptography's own.
KEYS_OBJ := $(BUILD)/tests/support/keys/memo.o
KEYS_WRAP := -Wl,--wrap=rsa_key_generate_from,--wrap=rsa_key_generate
above_crypto = $(if $(filter crypto,$(filter-out $(1),$(call layers_upto,$(1)))),$(2))
define test_rules
$(BUILD)/tests/$(1)/test_%: $(BUILD)/tests/$(1)/test_%.o $(SUPPORT_OBJ) $(call above_crypto,$(1),$(KEYS_OBJ)) $(foreach l,$(call layers_upto,$(1)),$(BUILD)/layer/$(l).a)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$(TEST_LD) $$(if $$(filter $$(NOMEM_TESTS),$$@),$$(NOMEM_WRAP)) -o $$@ $$< $(SUPPORT_OBJ) \
	    $(call above_crypto,$(1),$(KEYS_OBJ) $$(KEYS_WRAP)) \
	    -Wl,--start-group $(foreach l,$(call layers_upto,$(1)),$(BUILD)/layer/$(l).a) -Wl,--end-group $$(APP_LIBS) $$(CHECK_LIBS)
endef
$(foreach l,$(LAYERS),$(eval $(call test_rules,$(l))))

# What chooses the paths that tests/path/choices counts.
DRAW_LAYERS = $(foreach l,dirdoc $(call layers_upto,path),$(BUILD)/layer/$(l).a)
$(BUILD)/tests/path/draw: $(BUILD)/tests/path/draw.o $(DRAW_LAYERS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(TEST_LD) -o $@ $< \
	    -Wl,--start-group $(DRAW_LAYERS) -Wl,--end-group $(LIBS)

# Shakes hands with real relays: tests/net/test_link_auth.py.
PROBE_LAYERS = $(foreach l,$(call layers_upto,link),$(BUILD)/layer/$(l).a)
$(BUILD)/tests/link/real_probe: $(BUILD)/tests/link/real_probe.o $(PROBE_LAYERS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(TEST_LD) -o $@ $< \
	    -Wl,--start-group $(PROBE_LAYERS) -Wl,--end-group $(LIBS)

# The worked examples, built as a program outside would be: the public headers, the shared library.
EXAMPLES := $(patsubst docs/examples/%.c,$(BUILD)/examples/%,$(sort $(wildcard docs/examples/*.c)))
$(BUILD)/examples/%: docs/examples/%.c $(BUILD)/libtunic.so include/tunic/*.h
	@mkdir -p $(@D) && ln -sf ../libtunic.so $(@D)/libtunic.so.0
	$(call say,CC,$@)
	$(Q)$(CC) -std=c11 $(WARN) -Iinclude $(SAN) $(CFLAGS) -o $@ $< -L$(BUILD) -ltunic \
	    $(shell pkg-config --libs libevent_core) -Wl,-rpath,'$$ORIGIN' -Wl,--allow-shlib-undefined
$(BUILD)/tests/lib/test_directory $(BUILD)/tests/lib/test_client: $(EXAMPLES)

# The simulator: with TLS in clear in place of the real one, and with some functions wrapped, so that
# it can count allocations, make them fail, and watch machines come and go.
SIM_WRAP := malloc calloc realloc free strdup strndup rsa_key_generate_from link_new link_new_server link_free \
            circ_new circ_free circ_build streams_new streams_free
SIM_OBJ := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(sort $(wildcard tests/sim/*.c)))
SIM_LAYERS = $(foreach l,$(call layers_upto,control),$(BUILD)/layer/$(l).a)
$(BUILD)/tests/sim/sim: $(SIM_OBJ) $(SIM_LAYERS)
	$(call say,CC,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(TEST_LD) $(foreach f,$(SIM_WRAP),-Wl,--wrap=$(f)) -o $@ $(SIM_OBJ) \
	    -Wl,--start-group $(SIM_LAYERS) -Wl,--end-group $(LIBS)

# The program in which TUNIC_MUTANT names an option that has no effect (tools/mutate-options).
MUTANT_WRAP := $(addprefix options_,new check check_each free dup get dump diff check_transition)
$(BUILD)/mutant/tunic: $(BUILD)/tests/mutant/mutant.o $(BUILD)/obj/app/main.o $(APP_ARCHIVES) \
                       $(BUILD)/libtunic.a | $(BUILD)/libexec/tunic-tools
	@mkdir -p $(@D) && ln -sfn ../libexec $(@D)/libexec
	$(call say,CC,$@)
	$(Q)$(PROGRAM_LD) $(foreach f,$(MUTANT_WRAP),-Wl,--wrap=$(f)) $(CLIENT_LIBS)

# Fuzz targets: with a plain main() that replays a corpus, and with libFuzzer.
# Compiled apart from being linked, for ccache knows nothing of both at once.
$(BUILD)/tests/fuzz/%.o: CFLAGS_ALL += -Wno-missing-prototypes
$(BUILD)/replay/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(APP_ARCHIVES) $(BUILD)/libtunic.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(TEST_LD) -o $@ $(filter %.o,$^) $(APP_ARCHIVES) $(BUILD)/libtunic.a $(APP_LIBS)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(APP_ARCHIVES) $(BUILD)/libtunic.a
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -Wno-missing-prototypes -fsanitize=fuzzer \
	    -o $@ $< $(APP_ARCHIVES) $(BUILD)/libtunic.a $(APP_LIBS)

check: check-unit check-net

# How many seeds of the simulator belong to the unit tests.
SIM_COUNT ?= 300
# Of sweeps and rows of seeds one in so many: test_share().
SHARE ?= 1
check-unit: layers $(BUILD)/libtunic.so $(BUILD)/public/libtunic.a $(BUILD)/tunic.pc $(BUILD)/man3/tunic.3 $(TESTS) $(FUZZ_REPLAYS) $(BUILD)/tests/sim/sim $(BUILD)/tests/path/draw
	SIM_COUNT=$(SIM_COUNT) SHARE=$(SHARE) tests/run-unit $(BUILD)

check-planted: planted-sim planted-path planted-measure
planted-sim: $(BUILD)/tests/sim/sim
planted-path planted-measure: planted-%: $(filter $(BUILD)/tests/path/% $(BUILD)/tests/measure/%,$(TESTS))
planted-sim planted-path planted-measure: planted-%:
	tests/planted $(BUILD) $*

FROM  ?= 1
COUNT ?= 10000
sim: $(BUILD)/tests/sim/sim
	$(BUILD)/tests/sim/sim --from $(FROM) --count $(COUNT)

check-net: all
	tests/net/run

check-asan:
	$(MAKE) BUILD=$(BUILD)/asan OPT='-O1 -g1 -fno-omit-frame-pointer' TEST_CFLAGS=-O0 \
	    SAN='-fsanitize=address,undefined -fno-sanitize-recover=all' SIM_COUNT=60 SHARE=5 check-unit

# Threads of measurers, with sockets: the program under ThreadSanitizer.
check-tsan:
	$(MAKE) BUILD=$(BUILD)/tsan OPT='-O1 -g1' SAN='-fsanitize=thread' $(BUILD)/tsan/tunic \
	    $(BUILD)/tsan/libexec/tunic-tools \
	    $(BUILD)/tsan/tests/net/test_mailbox $(BUILD)/tsan/tests/app/test_measure_threads
	tests/tsan $(BUILD)/tsan

FUZZ_SECONDS ?= 30
# Some targets, by their names; so often instead of so long; in programs made for speed.
FUZZ ?=
FUZZ_RUNS ?=
FUZZ_OPT ?= -O1 -g
FUZZ_SAN ?= address,undefined
fuzz:
	$(MAKE) BUILD=$(BUILD)/fuzzing CC=clang OPT='$(FUZZ_OPT)' FUZZ='$(FUZZ)' \
	    SAN='-fsanitize=fuzzer-no-link,$(FUZZ_SAN) -fno-sanitize-recover=all' fuzz-targets
	FUZZ_RUNS=$(FUZZ_RUNS) tests/run-fuzz $(BUILD)/fuzzing $(FUZZ_SECONDS) $(FUZZ)
fuzz-targets: $(if $(FUZZ),$(FUZZ:%=$(BUILD)/fuzz/%),$(FUZZ_TARGETS))

bench: all $(BUILD)/bench/cells
	$(BUILD)/bench/cells
	TUNIC=$(BUILD)/tunic bench/run

$(BUILD)/bench/cells: bench/cells.c $(BUILD)/libtunic.a Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libtunic.a $(LIBS)

# usage: build/bench/threads [SECONDS [MOST]]
$(BUILD)/bench/threads: bench/threads.c $(BUILD)/layer/measure.a $(BUILD)/libtunic.a Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(BUILD)/layer/measure.a \
	    $(BUILD)/libtunic.a $(APP_LIBS)

layers:
	@awk -f src/layers.awk src/LAYERS $$(find src -name '*.[ch]')

FORMATTED = $(shell git ls-files '*.c' '*.h')
format:
	clang-format -i $(FORMATTED)
# Versions of clang-format differ in details: the tree is kept as version 14 (Debian 12) writes it.
format-check:
	@if clang-format --version | grep -q 'version 14\.'; then \
	    clang-format --dry-run -Werror $(FORMATTED); \
	else echo "format not checked: this is not clang-format 14"; fi
lint-options:
	tests/lint-options
lint: layers format-check lint-options
	tests/lint
	tools/gen-options --check
	tools/gen-sandbox --check
	tools/gen-events --check

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	    $(DESTDIR)$(PREFIX)/include/tunic
	install -m 755 $(BUILD)/tunic $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(BUILD)/libexec/tunic-tools $(DESTDIR)$(PREFIX)/libexec/
	install -m 644 $(BUILD)/public/libtunic.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(BUILD)/libtunic.so $(DESTDIR)$(PREFIX)/lib/libtunic.so.0
	ln -sf libtunic.so.0 $(DESTDIR)$(PREFIX)/lib/libtunic.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' tunic.pc.in > \
	    $(DESTDIR)$(PREFIX)/lib/pkgconfig/tunic.pc
	install -m 644 include/tunic/*.h $(DESTDIR)$(PREFIX)/include/tunic/
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 docs/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -d $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 $(BUILD)/man3/*.3 $(DESTDIR)$(PREFIX)/share/man/man3/
	install -d $(DESTDIR)$(PREFIX)/share/tunic
	install -m 644 contrib/service-defaults.torrc $(DESTDIR)$(PREFIX)/share/tunic/
	sed 's|/usr/local|$(PREFIX)|g' contrib/tunic.service > $(DESTDIR)$(PREFIX)/share/tunic/tunic.service
	$(if $(DESTDIR),,-@ldconfig 2>/dev/null || true) # so that the library is found at once

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/tunic $(DESTDIR)$(PREFIX)/libexec/tunic-tools $(DESTDIR)$(PREFIX)/lib/libtunic.a \
	    $(DESTDIR)$(PREFIX)/lib/libtunic.so $(DESTDIR)$(PREFIX)/lib/libtunic.so.0 \
	    $(DESTDIR)$(PREFIX)/lib/pkgconfig/tunic.pc
	rm -rf $(DESTDIR)$(PREFIX)/include/tunic $(DESTDIR)$(PREFIX)/share/tunic
	rm -f $(foreach f,$(notdir $(wildcard docs/*.1)),$(DESTDIR)$(PREFIX)/share/man/man1/$(f)) \
	    $(DESTDIR)$(PREFIX)/share/man/man3/tunic.3 $(DESTDIR)$(PREFIX)/share/man/man3/tunic_*.3

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
