@echo off
rem Runs a task of deno.json with Deno: plumbline TASK ARGS. Untested: no Windows machine was at hand.
setlocal
set "version=2.9.6"
set "root=%~dp0"
set "INIT_CWD=%CD%"
set "DENO_NO_UPDATE_CHECK=1"
if not defined DENO_TLS_CA_STORE set "DENO_TLS_CA_STORE=mozilla,system"

set "deno=deno"
where deno >nul 2>nul && goto run

set "cache=%PLUMBLINE_CACHE%"
if not defined cache set "cache=%LOCALAPPDATA%\plumbline"
set "deno=%cache%\deno\%version%\deno.exe"
if exist "%deno%" goto run

where npm >nul 2>nul || (
  echo plumbline: cannot find Deno: install Deno %version% or newer, or Node.js with npm>&2
  exit /b 1
)
set "package=win32-x64"
if /i "%PROCESSOR_ARCHITECTURE%"=="ARM64" set "package=win32-arm64"
echo plumbline: fetching Deno %version% through npm into the cache>&2
set "partial=%cache%\deno\partial-%RANDOM%"
mkdir "%partial%" || exit /b 1
pushd "%partial%"
call npm pack --silent @deno/%package%@%version% >nul && tar -xzf deno-%package%-%version%.tgz
popd
if not exist "%partial%\package\deno.exe" (
  echo plumbline: cannot fetch Deno %version% through npm: check the network, or install Deno yourself>&2
  exit /b 1
)
move "%partial%\package" "%cache%\deno\%version%" >nul
rmdir /s /q "%partial%"

:run
"%deno%" task --quiet --config "%root%deno.json" %*
exit /b %ERRORLEVEL%
