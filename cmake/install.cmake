# What `cmake --install` puts where: libraries, headers, CMake package, pkg-config file, program, assets.
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/gradsmith")

# Two export sets: users of the shared library need none of the dependencies.
install(TARGETS gradsmith_shared EXPORT gradsmith-shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(TARGETS gradsmith_static EXPORT gradsmith-static ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT gradsmith-shared NAMESPACE gradsmith:: DESTINATION "${package_folder}")
install(EXPORT gradsmith-static NAMESPACE gradsmith:: DESTINATION "${package_folder}")
configure_package_config_file(cmake/gradsmith-config.cmake.in gradsmith-config.cmake
  INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file(gradsmith-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/gradsmith-config.cmake" "${PROJECT_BINARY_DIR}/gradsmith-config-version.cmake"
  DESTINATION "${package_folder}")

# Relative to the file itself, so that an installed tree can be moved.
file(RELATIVE_PATH PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file(cmake/gradsmith.pc.in gradsmith.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/gradsmith.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(DIRECTORY include/gradsmith DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
if(TARGET gradsmith_program)
  install(TARGETS gradsmith_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY assets/ DESTINATION "${CMAKE_INSTALL_DATADIR}/gradsmith" OPTIONAL PATTERN golden EXCLUDE PATTERN spirv EXCLUDE)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/gradsmith")
