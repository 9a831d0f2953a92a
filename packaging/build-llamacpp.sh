#!/bin/sh
# Builds xllamacpp from its source distribution once for every level of x86-64 processors, for the installers: one wheel
# per level in build/llamacpp/LEVEL. The published wheel is for AVX2, the lowest of them.
#
#   packaging/build-llamacpp.sh [LEVEL ...]      without arguments all of: avx2 avx512 avx512-vnni
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

flags_of() {
    common="-DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON"
    case $1 in
    avx2) echo "$common -DGGML_AVX512=OFF -DGGML_AVX512_VNNI=OFF" ;;
    avx512) echo "$common -DGGML_AVX512=ON -DGGML_AVX512_VNNI=OFF" ;;
    avx512-vnni) echo "$common -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON" ;;
    *)
        echo "there is no level $1; there are avx2, avx512, avx512-vnni" >&2
        return 1
        ;;
    esac
}

unpack() {
    [ -d "$source" ] && return
    mkdir -p "$out"
    "$python" -m pip download --no-deps --no-binary xllamacpp --dest "$out" "xllamacpp==$version"
    tar -xzf "$out/xllamacpp-$version.tar.gz" -C "$out"
}

[ $# -gt 0 ] || set -- avx2 avx512 avx512-vnni
for level in "$@"; do
    flags=$(flags_of "$level")
    unpack
    mkdir -p "$out/$level"
    echo "Building xllamacpp $version for $level"
    rm -rf "$source/build" # what is linked there would be taken for up to date
    NPROC=${JOBS:-$(nproc)} CMAKE_ARGS="$flags $without" "$python" -m pip wheel --no-deps --no-cache-dir \
        --wheel-dir "$out/$level" "$source"
done
