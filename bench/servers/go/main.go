// Lines echoed as Go's own packages make it: a buffered reader and writer for each connection, flushed when the reader is
// empty. On one processor, as the other servers are.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
)

func serve(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 64*1024)
	writer := bufio.NewWriterSize(connection, 64*1024)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		if _, err := writer.Write(line); err != nil {
			return
		}
		if reader.Buffered() > 0 {
			continue
		}
		if err := writer.Flush(); err != nil {
			return
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go serve(connection)
	}
}
