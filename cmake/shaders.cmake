# gradsmith_shaders(OUT_SOURCES)
# gradsmith_embed_shader(OUT_SOURCE FOLDER/NAME.comp)
#
# Every shaders/NAME.comp becomes C that is embedded in the library (the second function: one kernel, for tests):
#
#   glslc -O0 NAME.comp -> shaders/NAME.reflect.spv    with names, for reflection
#   glslc -O  NAME.comp -> shaders/NAME.spv            what runs; checked by spirv-val
#   spv2c NAME ...      -> generated/shaders/NAME.c    const gs__shader gs__shader_NAME
#                          generated/shaders/NAME.h    push struct, ids of specialization constants
#   generated/shaders.h                                includes all of the headers
#   generated/shader_list.inc                          X(NAME) for each kernel
#
# (paths in the build folder). OUT_SOURCES receives the C files. With glslangValidator in the place of glslc, spirv-opt
# does the optimising; without spirv-opt the module is used as it is. Dependencies on included files are tracked.

find_program(GRADSMITH_GLSLC NAMES glslc)
find_program(GRADSMITH_GLSLANG NAMES glslangValidator glslang)
find_program(GRADSMITH_SPIRV_OPT NAMES spirv-opt)
find_program(GRADSMITH_SPIRV_VAL NAMES spirv-val)
mark_as_advanced(GRADSMITH_GLSLC GRADSMITH_GLSLANG GRADSMITH_SPIRV_OPT GRADSMITH_SPIRV_VAL)

if(NOT GRADSMITH_GLSLC AND NOT GRADSMITH_GLSLANG)
  message(FATAL_ERROR "No shader compiler: neither glslc nor glslangValidator was found. tools/install-deps installs one.")
endif()
if(NOT GRADSMITH_SPIRV_VAL)
  message(WARNING "spirv-val was not found: shaders are not validated. tools/install-deps installs it (spirv-tools).")
endif()
if(NOT GRADSMITH_GLSLC AND NOT GRADSMITH_SPIRV_OPT)
  message(WARNING "spirv-opt was not found: shaders are not optimised. tools/install-deps installs it (spirv-tools).")
endif()

# Appends to `commands` and `depfile` of the caller what compiles `source` to shaders/NAME.reflect.spv and NAME.spv.
macro(gradsmith_shader_commands source name)
  set(include "${PROJECT_SOURCE_DIR}/shaders/include")
  set(target --target-env=vulkan1.1)
  set(depfile "${PROJECT_BINARY_DIR}/shaders/${name}.d")
  if(GRADSMITH_GLSLC)
    set(werror "")
    if(GRADSMITH_WERROR)
      set(werror -Werror)
    endif()
    list(APPEND commands
      COMMAND "${GRADSMITH_GLSLC}" ${target} ${werror} -I "${include}" -O0 -MD -MF "${depfile}" -MT "${reflect}"
              -o "${reflect}" "${source}"
      COMMAND "${GRADSMITH_GLSLC}" ${target} ${werror} -I "${include}" -O -o "${code}" "${source}")
  else()
    list(APPEND commands
      COMMAND "${GRADSMITH_GLSLANG}" --quiet -V --target-env vulkan1.1 "-I${include}" --depfile "${depfile}"
              -o "${reflect}" "${source}")
    if(GRADSMITH_SPIRV_OPT)
      list(APPEND commands COMMAND "${GRADSMITH_SPIRV_OPT}" ${target} -O "${reflect}" -o "${code}")
    else()
      list(APPEND commands COMMAND "${CMAKE_COMMAND}" -E copy "${reflect}" "${code}")
    endif()
  endif()
  if(GRADSMITH_SPIRV_VAL)
    list(APPEND commands COMMAND "${GRADSMITH_SPIRV_VAL}" --target-env vulkan1.1 "${code}")
  endif()
endmacro()

function(gradsmith_embed_shader out_source source)
  set(generated "${PROJECT_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${generated}/shaders" "${PROJECT_BINARY_DIR}/shaders")
  cmake_path(GET source STEM name)
  if(name MATCHES "[^a-z0-9_]")
    message(FATAL_ERROR "${source}: the name may only have lower-case letters, digits and '_'")
  endif()
  set(reflect "${PROJECT_BINARY_DIR}/shaders/${name}.reflect.spv")
  set(code "${PROJECT_BINARY_DIR}/shaders/${name}.spv")
  set(commands "")
  gradsmith_shader_commands("${source}" "${name}")
  add_custom_command(OUTPUT "${reflect}" "${code}" ${commands}
    DEPENDS "${source}" DEPFILE "${depfile}" COMMENT "Compiling ${name}.comp" VERBATIM)
  # The header is a byproduct: it keeps its time when nothing in it changes.
  add_custom_command(OUTPUT "${generated}/shaders/${name}.c" BYPRODUCTS "${generated}/shaders/${name}.h"
    COMMAND spv2c "${name}" "${reflect}" "${code}" "${generated}/shaders/${name}.c" "${generated}/shaders/${name}.h"
    DEPENDS spv2c "${reflect}" "${code}" COMMENT "Embedding ${name}.comp" VERBATIM)
  set(${out_source} "${generated}/shaders/${name}.c" PARENT_SCOPE)
endfunction()

# A kernel that many compilers cannot compile yet: its module is kept in assets/spirv. tools/compile-coop makes it.
function(gradsmith_embed_module out_source name)
  set(generated "${PROJECT_BINARY_DIR}/generated")
  set(code "${PROJECT_SOURCE_DIR}/assets/spirv/${name}.spv")
  add_custom_command(OUTPUT "${generated}/shaders/${name}.c" BYPRODUCTS "${generated}/shaders/${name}.h"
    COMMAND spv2c "${name}" "${code}" "${code}" "${generated}/shaders/${name}.c" "${generated}/shaders/${name}.h"
    DEPENDS spv2c "${code}" COMMENT "Embedding ${name}.spv" VERBATIM)
  set(${out_source} "${generated}/shaders/${name}.c" PARENT_SCOPE)
endfunction()

function(gradsmith_shaders out_sources)
  set(generated "${PROJECT_BINARY_DIR}/generated")
  file(GLOB shaders CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/shaders/*.comp" "${PROJECT_SOURCE_DIR}/shaders/coop/*.comp")
  set(sources "")
  set(includes "")
  set(names "// Made by cmake/shaders.cmake: every shaders/NAME.comp and shaders/coop/NAME.comp.\n")
  foreach(source IN LISTS shaders)
    if(source MATCHES "/coop/")
      cmake_path(GET source STEM name)
      gradsmith_embed_module(embedded "${name}")
    else()
      gradsmith_embed_shader(embedded "${source}")
    endif()
    list(APPEND sources "${embedded}")
    cmake_path(GET source STEM name)
    string(APPEND includes "#include \"shaders/${name}.h\"\n")
    string(APPEND names "X(${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT "${generated}/shader_list.inc" CONTENT "${names}" @ONLY)
  file(CONFIGURE OUTPUT "${generated}/shaders.h" CONTENT
"// Made by cmake/shaders.cmake: all kernels of shaders/*.comp.
#ifndef GS_SHADERS_H
#define GS_SHADERS_H

#include \"gpu/gpu.h\"
@includes@
#endif
" @ONLY)
  set(${out_sources} "${sources}" PARENT_SCOPE)
endfunction()
