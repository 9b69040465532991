// Call once for each line of standard input: lines URL (see python_lines.py).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type answer struct {
	Number  int    `json:"number"`
	Ok      bool   `json:"ok"`
	Address string `json:"address"`
	Error   string `json:"error"`
}

func call(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var identity struct{ Address string }
	err = json.NewDecoder(response.Body).Decode(&identity)
	var rest [1]byte
	response.Body.Read(rest[:]) // to the end, so that the connection is kept
	return identity.Address, err
}

func main() {
	client := &http.Client{Timeout: 2 * time.Second}
	output := json.NewEncoder(os.Stdout)
	fmt.Println(`{"ready": true}`)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		number, _ := strconv.Atoi(strings.TrimSpace(lines.Text()))
		address, err := call(client, os.Args[1])
		made := answer{Number: number, Ok: err == nil, Address: address}
		if err != nil {
			made.Error = err.Error()
		}
		output.Encode(made)
	}
}
