# Protocol Buffers, for event files: C code by protoc-c (Debian: protobuf-c-compiler, libprotobuf-c-dev).
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
find_program(GRADSMITH_PROTOC_C NAMES protoc-c REQUIRED
  DOC "Compiler of Protocol Buffers for C; tools/install-deps installs it")
mark_as_advanced(GRADSMITH_PROTOC_C)

# gradsmith_protobuf(OUT FILE.proto): generated/NAME.pb-c.c and .h
function(gradsmith_protobuf out source)
  cmake_path(GET source STEM name)
  cmake_path(GET source PARENT_PATH folder)
  set(made "${PROJECT_BINARY_DIR}/generated/${name}.pb-c")
  add_custom_command(OUTPUT "${made}.c" "${made}.h"
    COMMAND "${GRADSMITH_PROTOC_C}" "--proto_path=${PROJECT_SOURCE_DIR}/${folder}"
      "--c_out=${PROJECT_BINARY_DIR}/generated" "${PROJECT_SOURCE_DIR}/${source}"
    DEPENDS "${PROJECT_SOURCE_DIR}/${source}" COMMENT "Generating ${name}.pb-c.c" VERBATIM)
  # Code that is not ours.
  set_source_files_properties("${made}.c" PROPERTIES COMPILE_OPTIONS "-w")
  set(${out} "${made}.c" "${made}.h" PARENT_SCOPE)
endfunction()
