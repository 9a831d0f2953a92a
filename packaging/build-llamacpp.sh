#!/bin/sh
# Builds xllamacpp from its source distribution once for every level of x86-64 processors, for the installers: one wheel
# per level in build/llamacpp/LEVEL. The levels are those of llama.cpp's own variants that differ in their kernels; the
# published wheel is for AVX2.
#
#   packaging/build-llamacpp.sh [LEVEL ...]      without arguments all of them, see `levels` below
#
#   sse42        any processor since 2008          avx512        Skylake-X
#   avx          Sandy Bridge (2011)               avx512-vnni   Cascade Lake, Ice Lake
#   avx2         Haswell, Zen (2013, 2017)         avx512-bf16   Zen 4, Cooper Lake
#   avx-vnni     Alder Lake                        amx           Sapphire Rapids
#
# Needs Linux on x86-64, a C++ compiler, CMake and Python with pip; JOBS says how many compilers run at once. Nothing is
# fetched but the source distribution and what builds a Python package: the parts that the library's build would
# download are left out. They are TLS and the web page of a server that we lock up, and a second kind of grammar that
# we do not offer. All levels are built in one tree, so that only the first compiles the whole of llama.cpp: about twenty
# minutes of one core with GCC 12.
#
# What avx512-vnni gains over the published wheel, in processor time on two 2.5 GHz Xeon cores with both, a 135M model in
# Q8_0, the best of four runs, twice in turn on a busy machine: a prompt of 128 tokens 0.68 and 0.80 s instead of 0.99 and
# 1.03 s, a step of eight tokens 76 and 87 ms instead of 95 and 97 ms. One token at a time waits for memory: no gain.
#
# What avx512-bf16 gains, the products alone in turn twice on two virtual cores of a Zen 4: Q8_0 1.3 and 1.5 times as quick with
# one token, 1.5 and 2.1 with 128; Q4_0 1.5 and 1.3, 1.8 and 1.8.
#
# xllamacpp links llama.cpp statically, so that llama.cpp's own way of several variants in one library
# (GGML_CPU_ALL_VARIANTS with GGML_BACKEND_DL) cannot be used; an installer carries the wheel that fits the machine it is
# for, or several and picks one by the processor's flags.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^xllamacpp==//p' "$here/packaging/constraints.txt")
out=$here/build/llamacpp
source=$out/xllamacpp-$version
python=${PYTHON:-python3}
without="-DLLAMA_LLGUIDANCE=OFF -DLLAMA_BUILD_BORINGSSL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF"

levels="sse42 avx avx2 avx-vnni avx512 avx512-vnni avx512-bf16 amx"
instructions="SSE42 AVX F16C FMA AVX2 BMI2 AVX_VNNI AVX512 AVX512_VBMI AVX512_VNNI AVX512_BF16 AMX_TILE AMX_INT8 AMX_BF16"

instructions_of() {
    case $1 in
    sse42) echo SSE42 ;;
    avx) echo "$(instructions_of sse42) AVX" ;;
    avx2) echo "$(instructions_of avx) F16C FMA AVX2 BMI2" ;;
    avx-vnni) echo "$(instructions_of avx2) AVX_VNNI" ;;
    avx512) echo "$(instructions_of avx2) AVX512" ;;
    avx512-vnni) echo "$(instructions_of avx512) AVX512_VNNI" ;;
    avx512-bf16) echo "$(instructions_of avx512-vnni) AVX512_VBMI AVX512_BF16" ;;
    amx) echo "$(instructions_of avx512-bf16) AMX_TILE AMX_INT8" ;;
    *)
        echo "there is no level $1; there are $levels" >&2
        return 1
        ;;
    esac
}

flags_of() {
    wanted=$(instructions_of "$1") || return 1
    printf %s -DGGML_NATIVE=OFF
    for instruction in $instructions; do
        case " $wanted " in
        *" $instruction "*) printf %s " -DGGML_$instruction=ON" ;;
        *) printf %s " -DGGML_$instruction=OFF" ;;
        esac
    done
}

unpack() {
    [ -d "$source" ] && return
    mkdir -p "$out"
    "$python" -m pip download --no-deps --no-binary xllamacpp --dest "$out" "xllamacpp==$version"
    tar -xzf "$out/xllamacpp-$version.tar.gz" -C "$out"
}

[ $# -gt 0 ] || set -- $levels
for level in "$@"; do
    flags=$(flags_of "$level")
    unpack
    mkdir -p "$out/$level"
    echo "Building xllamacpp $version for $level"
    rm -rf "$source/build" # what is linked there would be taken for up to date
    NPROC=${JOBS:-$(nproc)} CMAKE_ARGS="$flags $without" "$python" -m pip wheel --no-deps --no-cache-dir \
        --wheel-dir "$out/$level" "$source"
done
